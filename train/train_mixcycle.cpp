// sunder-train-mixcycle: MixPIT until the network separates somewhat, then MixCycle, from mixtures alone.
#include "objectives/mixcycle.h"
#include "objectives/mixit.h"
#include "objectives/step.h"
#include "train/trainer.h"

using namespace sunder;

namespace {

// The switch happens between epochs, after init_epochs of them or after init_fraction of the time; the epoch it
// happened at is kept in the checkpoints, so that a resumed run does not decide again.
bool is_cyclic(Trainer& trainer) {
  const auto& settings = trainer.config().mixcycle;
  int64_t& switched_at = trainer.counter("mixcycle_epoch");  // 0: not yet; else the first epoch of MixCycle + 1
  if (switched_at > 0) return true;
  const bool due = settings.init_fraction > 0
                       ? trainer.minutes() >= settings.init_fraction * trainer.config().train.max_minutes
                       : trainer.epoch() >= settings.init_epochs;
  if (!due) return false;
  switched_at = trainer.epoch() + 1;
  if (settings.restart_adam) trainer.restart_adam();
  trainer.log().info("epoch {}: from MixPIT to MixCycle{}", trainer.epoch(),
                     settings.restart_adam ? ", Adam restarted" : "");
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  return run_training("sunder-train-mixcycle", [&] {
    const RunOptions options = parse_run_options(
        "sunder-train-mixcycle",
        "Trains a separator from mixtures alone: MixPIT first, then from its own estimates mixed again (MixCycle).",
        argc, argv);
    const Config& config = options.config;
    const bool by_time = config.mixcycle.init_fraction > 0;
    if (by_time && config.train.max_minutes <= 0)
      throw_error<UsageError>("mixcycle.init_fraction: expected --max-minutes with it, got none");
    Trainer trainer(options, {.name = "mixcycle",
                              .even_batch = true,
                              .paired_epochs = by_time ? Trainer::every_epoch : config.mixcycle.init_epochs});
    const Separator& network = trainer.network();
    const int64_t batch_size = config.train.batch;
    const Tensor pairs = pair_order(batch_size);
    for (; trainer.next_epoch(); trainer.end_epoch()) {
      if (is_cyclic(trainer)) {
        for (Batch batch; trainer.next_batch(batch);) {
          const Tensor swap = swap_flags(config.train.seed, trainer.epoch(), trainer.steps(), batch_size);
          trainer.step("mixcycle", {batch.mixtures, exchange_order(swap)},
                       [&](const auto& in) { return mixcycle_step(network, in[0], in[1]); });
        }
      } else {
        for (Batch first, second; trainer.next_pair(first, second);)
          trainer.step("mixpit", {first.mixtures, second.mixtures, pairs},
                       [&](const auto& in) { return mixpit_step(network, in[0], in[1], in[2]); });
      }
    }
    return trainer.finish();
  });
}
