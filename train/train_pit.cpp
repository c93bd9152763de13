// sunder-train-pit: supervised permutation-invariant training, with or without dynamic mixing.
#include "objectives/pit.h"
#include "objectives/step.h"
#include "train/trainer.h"

using namespace sunder;

namespace {

// TF-GridNet: real parts, imaginary parts and magnitudes at the first microphone.
int train_on_spectra(const RunOptions& options) {
  if (options.config.train.dynamic_mixing)
    throw UsageError("train.dynamic_mixing: expected false for tf-gridnet: speakers of two rooms cannot meet in one");
  Trainer trainer(options, {.name = "pit", .reads_references = true, .mean_loss = true});
  const auto inputs = [](const Batch& batch) { return std::vector{batch.references, batch.mixtures}; };
  const auto loss = [&](const auto& in) { return pit_spectra_step(trainer.far_field(), in[0], in[1]); };
  trainer.validate_with(inputs, loss);
  for (; trainer.next_epoch(); trainer.end_epoch())
    for (Batch batch; trainer.next_batch(batch);) trainer.step("pit", inputs(batch), loss);
  return trainer.finish();
}

}  // namespace

int main(int argc, char** argv) {
  return run_training("sunder-train-pit", [&] {
    const RunOptions options = parse_run_options(
        "sunder-train-pit", "Trains a separator on mixtures with their clean sources (PIT).", argc, argv);
    if (options.config.model.architecture == "tf-gridnet") return train_on_spectra(options);
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
