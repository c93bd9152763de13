// MixIT: separates sums of two mixtures into sources that sum to the two; from mixtures alone.
#include <bit>

#include "objectives/mixit.h"
#include "objectives/step.h"
#include "tensor/ops/snr.h"
#include "train/method.h"

namespace sunder {
namespace {

// Each of the 2 S outputs goes to one of two mixtures: 2^(2 S) assignments.
constexpr int64_t most_sources = std::bit_width(static_cast<uint64_t>(mixit_max_assignments)) / 2;
static_assert(2 * most_sources <= mixit_max_signals);

}  // namespace

extern const MethodDefinition mixit_method{
    .name = "mixit",
    .summary =
        "Trains a separator from mixtures alone: the sources of two summed mixtures must sum to the two (MixIT).",
    .recipe = "recipes/sc09mix/mixit.toml",
    .needs =
        [](const Config&) {
          return MethodNeeds{.outputs_per_source = 2, .most_sources = most_sources, .summed_epochs = every_epoch};
        },
    .make = [](const Config&, const Separator& network) -> std::unique_ptr<Method> {
      const auto loss = [&network](const auto& in) { return mixit_step(network, in[0], in[1], in[2]); };
      const auto inputs = [](std::span<const Batch> b, const Position&) {
        return std::vector{b[0].mixtures, b[1].mixtures, sum_order(b[0].share().count)};
      };
      return std::make_unique<OneTask>("mixit", loss, inputs, rows_of_sums, 2);
    }};

}  // namespace sunder
