// sunder-train-pit: supervised permutation-invariant training, with or without dynamic mixing.
#include "objectives/pit.h"
#include "objectives/step.h"
#include "train/trainer.h"

using namespace sunder;

int main(int argc, char** argv) {
  return run_main("sunder-train-pit", [&] {
    const RunOptions options = parse_run_options(
        "sunder-train-pit", "Trains a separator on mixtures with their clean sources (PIT).", argc, argv);
    Trainer trainer(options, {.name = "pit", .reads_references = true});
    const Config& config = trainer.config();
    for (; trainer.next_epoch(); trainer.end_epoch()) {
      for (Batch batch; trainer.next_batch(batch);) {
        if (config.train.dynamic_mixing) {
          const Remixed mixed = dynamic_mixing(batch.references, config.train.seed, trainer.epoch(), trainer.steps());
          batch = {mixed.mixtures, mixed.targets};
        }
        trainer.step(pit_step(trainer.network(), batch.references, batch.mixtures), config.train.batch);
      }
    }
    return trainer.finish();
  });
}
