// MixPIT: separates sums of mixtures, as many as the network has outputs, into these; from mixtures alone.
#include "objectives/mixit.h"
#include "objectives/step.h"
#include "tensor/ops/snr.h"
#include "train/method.h"

namespace sunder {

extern const MethodDefinition mixpit_method{
    .name = "mixpit",
    .summary = "Trains a separator from mixtures alone: it separates summed mixtures (MixPIT).",
    .recipe = "recipes/sc09mix/mixpit.toml",
    .needs =
        [](const Config& config) {
          return MethodNeeds{.least_sources = 2,
                             .most_sources = pit_max_sources,
                             .summed = config.model.sources(),
                             .summed_epochs = every_epoch};
        },
    .make = [](const Config&, const Separator& network) -> std::unique_ptr<Method> {
      const auto loss = [&network](const std::vector<Tensor>& in) {
        return mixpit_step(network, {in.begin(), in.end() - 1}, in.back());
      };
      const int64_t sources = network.sources();
      const auto inputs = [sources](std::span<const Batch> batches, const Position&) {
        std::vector<Tensor> in;
        for (const Batch& batch : batches) in.push_back(batch.mixtures);
        in.push_back(sum_order(batches[0].share().count, sources));
        return in;
      };
      return std::make_unique<OneTask>("mixpit", loss, inputs, rows_of_sums, sources);
    }};

}  // namespace sunder
