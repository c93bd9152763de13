// sunder-train-mixpit: MixPIT, from mixtures alone.
#include "objectives/mixit.h"
#include "objectives/step.h"
#include "train/trainer.h"

using namespace sunder;

int main(int argc, char** argv) {
  return run_training("sunder-train-mixpit", [&] {
    const RunOptions options = parse_run_options(
        "sunder-train-mixpit", "Trains a separator from mixtures alone: sums of two mixtures into the two (MixPIT).",
        argc, argv);
    Trainer trainer(options, {.name = "mixpit", .paired_epochs = Trainer::every_epoch});
    const Tensor order = pair_order(trainer.config().train.batch);
    for (; trainer.next_epoch(); trainer.end_epoch()) {
      for (Batch first, second; trainer.next_pair(first, second);)
        trainer.step("mixpit", {first.mixtures, second.mixtures, order},
                     [&](const auto& in) { return mixpit_step(trainer.network(), in[0], in[1], in[2]); });
    }
    return trainer.finish();
  });
}
