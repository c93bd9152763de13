// MixPIT: separates sums of two mixtures into the two; from mixtures alone.
#include "objectives/mixit.h"
#include "objectives/step.h"
#include "train/method.h"

namespace sunder {

extern const MethodDefinition mixpit_method{
    .name = "mixpit",
    .summary = "Trains a separator from mixtures alone: it separates two summed mixtures (MixPIT).",
    .recipe = "recipes/sc09mix/mixpit.toml",
    .needs = [](const Config&) { return MethodNeeds{.paired_epochs = every_epoch}; },
    .make = [](const Config& config, const Separator& network) -> std::unique_ptr<Method> {
      const auto loss = [&network](const auto& in) { return mixpit_step(network, in[0], in[1], in[2]); };
      const auto inputs = [order = pair_order(config.train.batch)](std::span<const Batch> b, const Position&) {
        return std::vector{b[0].mixtures, b[1].mixtures, order};
      };
      return std::make_unique<OneTask>("mixpit", loss, inputs, 2);
    }};

}  // namespace sunder
