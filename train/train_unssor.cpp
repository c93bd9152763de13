// UNSSOR: separation of far-field recordings from the recordings alone.
#include "objectives/step.h"
#include "train/method.h"

namespace sunder {

extern const MethodDefinition unssor_method{
    .name = "unssor",
    .summary =
        "Trains a TF-GridNet on far-field mixtures alone (UNSSOR); it needs more microphones than speakers, or "
        "virtual ones (unssor.virtual).",
    .recipe = "recipes/smswsj-ff-ct/unssor-6ch.toml",
    .needs =
        [](const Config& config) {
          const int64_t microphones = config.model.microphones(), sources = config.model.sources();
          const bool virtual_ones = config.unssor.virtual_microphones != "none";
          if (microphones < sources + (virtual_ones ? 0 : 1))
            throw_error<UsageError>("model.microphones: expected {} the {} sources for UNSSOR{}, got {}",
                                    virtual_ones ? "at least" : "more than", sources,
                                    virtual_ones ? " with virtual microphones" : "", microphones);
          if (!virtual_ones && config.unssor.anchor > 0)
            throw_error<UsageError>("unssor.anchor: expected 0 without virtual microphones (unssor.virtual), got {}",
                                    config.unssor.anchor);
          return MethodNeeds{
              .virtual_microphones = virtual_ones, .spectra = true, .estimate = "source", .mean_loss = true};
        },
    .make = [](const Config& config, const Separator& network) -> std::unique_ptr<Method> {
      const Tensor failures = Tensor::zeros({1}, DType::int64, network.parameters().values().stream());
      const auto loss = [&spectral = *network.spectral(), options = config.unssor, failures](const auto& in) {
        return unssor_step(spectral, in[0], options, failures, in.size() > 1 ? in[1] : Tensor());
      };
      const auto inputs = [](std::span<const Batch> b, const Position&) {
        std::vector<Tensor> result = {b[0].mixtures};
        if (b[0].virtual_microphones.defined()) result.push_back(b[0].virtual_microphones);
        return result;
      };
      auto method = std::make_unique<OneTask>("unssor", loss, inputs);
      method->task().failures = failures;
      return method;
    }};

}  // namespace sunder
