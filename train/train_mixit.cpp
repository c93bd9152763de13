// sunder-train-mixit: MixIT, from mixtures alone.
#include "objectives/mixit.h"
#include "objectives/step.h"
#include "train/trainer.h"

using namespace sunder;

int main(int argc, char** argv) {
  return run_training("sunder-train-mixit", [&] {
    const RunOptions options = parse_run_options(
        "sunder-train-mixit",
        "Trains a separator from mixtures alone: sums of two mixtures into outputs that add up to the two (MixIT).",
        argc, argv);
    Trainer trainer(options, {.name = "mixit", .outputs_per_source = 2, .paired_epochs = Trainer::every_epoch});
    const Tensor order = pair_order(trainer.config().train.batch);
    for (; trainer.next_epoch(); trainer.end_epoch()) {
      for (Batch first, second; trainer.next_pair(first, second);)
        trainer.step("mixit", {first.mixtures, second.mixtures, order},
                     [&](const auto& in) { return mixit_step(trainer.network(), in[0], in[1], in[2]); });
    }
    return trainer.finish();
  });
}
