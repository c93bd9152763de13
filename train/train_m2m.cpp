// sunder-train-m2m: separation of far-field recordings, learned from what close-talk microphones heard beside them.
#include "objectives/step.h"
#include "train/trainer.h"

using namespace sunder;

int main(int argc, char** argv) {
  return run_training("sunder-train-m2m", [&] {
    const RunOptions options = parse_run_options(
        "sunder-train-m2m",
        "Trains a TF-GridNet on far-field mixtures with close-talk mixtures as weak supervision (M2M).", argc, argv);
    Trainer trainer(options,
                    {.name = "m2m", .reads_close_talk = true, .mean_loss = true, .output = FarFieldOutput::source});
    const Config& config = trainer.config();
    const M2mOptions m2m{.close = close_taps(config),
                         .far = far_taps(config),
                         .alpha = config.m2m.alpha,
                         .xi = config.fcp.floor,
                         .gamma = config.m2m.gamma};
    const auto inputs = [](const Batch& batch) { return std::vector{batch.mixtures, batch.close_talk}; };
    const auto loss = [&](const auto& in) { return m2m_step(trainer.far_field(), in[0], in[1], m2m); };
    trainer.validate_with(inputs, loss);
    for (; trainer.next_epoch(); trainer.end_epoch())
      for (Batch batch; trainer.next_batch(batch);) trainer.step("m2m", inputs(batch), loss);
    return trainer.finish();
  });
}
