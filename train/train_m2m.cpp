// M2M: separation of far-field recordings, with close-talk mixtures as weak supervision.
#include "objectives/step.h"
#include "train/method.h"

namespace sunder {

extern const MethodDefinition m2m_method{
    .name = "m2m",
    .summary = "Trains a TF-GridNet on far-field mixtures with close-talk mixtures as weak supervision (M2M).",
    .recipe = "recipes/smswsj-ff-ct/m2m-6ch.toml",
    .needs =
        [](const Config&) {
          return MethodNeeds{.close_talk = true, .spectra = true, .estimate = "source", .mean_loss = true};
        },
    .make = [](const Config& config, const Separator& network) -> std::unique_ptr<Method> {
      const Tensor failures = Tensor::zeros({1}, DType::int64, network.parameters().values().stream());
      const auto loss = [&spectral = *network.spectral(), options = config.m2m, failures](const auto& in) {
        return m2m_step(spectral, in[0], in[1], options, failures);
      };
      const auto inputs = [](std::span<const Batch> b, const Position&) {
        return std::vector{b[0].mixtures, b[0].close_talk};
      };
      auto method = std::make_unique<OneTask>("m2m", loss, inputs);
      method->task().failures = failures;
      return method;
    }};

}  // namespace sunder
