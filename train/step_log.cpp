#include "train/step_log.h"

#include "files/safetensors.h"

namespace sunder {

void StepLog::add(const Position& position, double waited, std::vector<Batch> batches) {
  pending_.push_back({position.steps, position.epoch, waited, std::move(batches)});
}

void StepLog::take_results(StepRunner& runner, bool wait, Run& run, Position& position, double minutes) {
  const int64_t inputs = config_.train.inputs_per_step();
  for (const StepResult& result : runner.results(wait)) {
    SUNDER_ASSERT(!pending_.empty());
    const Pending step = std::move(pending_.front());
    pending_.pop_front();
    const double per_input = mean_loss_ ? result.loss : result.loss / static_cast<double>(inputs);
    check_finite(step, result, per_input, run);
    if (result.skipped == 0) {
      position.epoch_loss += per_input * static_cast<double>(inputs);
      position.epoch_inputs += inputs;
    }
    run.progress().step(step.epoch, inputs, per_input, step.waited);
    const auto now = std::chrono::steady_clock::now();
    if (std::chrono::duration<double>(now - last_metrics_).count() < config_.train.log_seconds) continue;
    last_metrics_ = now;
    if (run.writes()) rows_.push_back({{step.step, step.epoch, minutes}, per_input, result.norm});
  }
  // Last: where the disk is full, the epoch's loss is complete. A row that could not be written is tried again before a
  // checkpoint says that its step is done.
  for (; !rows_.empty(); rows_.pop_front()) {
    const Row& row = rows_.front();
    run.report().training(row.moment, row.loss, row.norm);
  }
}

void StepLog::check_finite(const Pending& step, const StepResult& result, double per_input, Run& run) const {
  const int64_t patience = config_.train.nonfinite_patience;
  if (result.skipped == 0) return;
  run.log().warn("step {}: loss {} with gradient norm {} is not finite, update skipped ({} of {} in a row)", step.step,
                 per_input, result.norm, result.skipped, patience);
  if (result.skipped < patience) return;
  if (!run.writes())
    throw_error<DivergedError>("diverged at step {}: {} updates in a row were not finite", step.step, result.skipped);
  const auto dump = run.folder().path() / "diverged-batch.safetensors";
  std::map<std::string, Tensor> tensors;
  for (size_t i = 0; i < step.batches.size(); ++i) {
    const std::string suffix = i == 0 ? "" : fmt::format("_{}", i + 1);
    const Batch& batch = step.batches[i];
    tensors["mixtures" + suffix] = batch.mixtures;
    if (batch.references.defined()) tensors["references" + suffix] = batch.references;
    if (batch.close_talk.defined()) tensors["close_talk" + suffix] = batch.close_talk;
    if (batch.virtual_microphones.defined()) tensors["virtual_microphones" + suffix] = batch.virtual_microphones;
  }
  write_safetensors(dump, tensors, {});
  throw_error<DivergedError>("diverged at step {}: {} updates in a row were not finite; the last batch is in {}",
                             step.step, result.skipped, dump.string());
}

}  // namespace sunder
