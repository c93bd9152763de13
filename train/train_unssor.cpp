// UNSSOR: separation of far-field recordings from the recordings alone.
#include "objectives/step.h"
#include "train/method.h"

namespace sunder {

extern const MethodDefinition unssor_method{
    .name = "unssor",
    .summary = "Trains a TF-GridNet on far-field mixtures alone (UNSSOR); it needs more microphones than speakers.",
    .recipe = "recipes/smswsj-ff-ct/unssor-6ch.toml",
    .needs =
        [](const Config& config) {
          if (config.model.microphones() <= config.model.sources())
            throw_error<UsageError>("model.microphones: expected more than the {} sources for UNSSOR, got {}",
                                    config.model.sources(), config.model.microphones());
          return MethodNeeds{.spectra = true, .estimate = "source", .mean_loss = true};
        },
    .make = [](const Config& config, const Separator& network) -> std::unique_ptr<Method> {
      const Tensor failures = Tensor::zeros({1}, DType::int64, network.parameters().values().stream());
      const auto loss = [&spectral = *network.spectral(), options = config.unssor, failures](const auto& in) {
        return unssor_step(spectral, in[0], options, failures);
      };
      const auto inputs = [](std::span<const Batch> b, const Position&) { return std::vector{b[0].mixtures}; };
      auto method = std::make_unique<OneTask>("unssor", loss, inputs);
      method->task().failures = failures;
      return method;
    }};

}  // namespace sunder
