// sunder-train-unssor: separation of far-field recordings, learned from nothing but these.
#include "objectives/step.h"
#include "train/trainer.h"

using namespace sunder;

int main(int argc, char** argv) {
  return run_training("sunder-train-unssor", [&] {
    const RunOptions options = parse_run_options(
        "sunder-train-unssor",
        "Trains a TF-GridNet on far-field mixtures alone (UNSSOR); it needs more microphones than speakers.", argc,
        argv);
    const auto& model = options.config.model;
    if (model.microphones <= model.sources)
      throw_error<UsageError>("model.microphones: expected more than the {} sources for UNSSOR, got {}", model.sources,
                              model.microphones);
    Trainer trainer(options, {.name = "unssor", .mean_loss = true, .output = FarFieldOutput::source});
    const Config& config = trainer.config();
    const UnssorOptions unssor{.filter = far_taps(config),
                               .gamma = config.unssor.gamma,
                               .reference_weight = config.unssor.reference_weight,
                               .xi = config.fcp.floor};
    const auto inputs = [](const Batch& batch) { return std::vector{batch.mixtures}; };
    const auto loss = [&](const auto& in) { return unssor_step(trainer.far_field(), in[0], unssor); };
    trainer.validate_with(inputs, loss);
    for (; trainer.next_epoch(); trainer.end_epoch())
      for (Batch batch; trainer.next_batch(batch);) trainer.step("unssor", inputs(batch), loss);
    return trainer.finish();
  });
}
