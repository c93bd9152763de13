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
    const Separator& network = trainer.network();
    for (; trainer.next_epoch(); trainer.end_epoch()) {
      for (Batch batch; trainer.next_batch(batch);) {
        if (config.train.dynamic_mixing) {
          const Tensor order = shuffled_order(config.train.seed, trainer.epoch(), trainer.steps(), config.train.batch,
                                              network.sources());
          trainer.step("pit-dm", {batch.references, order},
                       [&](const auto& in) { return pit_dm_step(network, in[0], in[1]); });
        } else {
          trainer.step("pit", {batch.references, batch.mixtures},
                       [&](const auto& in) { return pit_step(network, in[0], in[1]); });
        }
      }
    }
    return trainer.finish();
  });
}
