#include "train/dry_run.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "command/output.h"
#include "command/signals.h"
#include "files/disk_space.h"
#include "files/temporary.h"
#include "tensor/parallel.h"
#include "train/training.h"

namespace sunder {

namespace fs = std::filesystem;

namespace {

// The two newest, the best, and one that is being written.
constexpr uint64_t checkpoints_at_once = 4;
// The first step makes plans, and on CUDA the second is captured: the third is like all that follow.
constexpr int most_steps = 3;
constexpr double enough_seconds = 20;

template <class F>
double seconds_of(F&& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void expect_same(const std::map<std::string, Tensor>& saved, const std::map<std::string, Tensor>& loaded) {
  for (const auto& [name, tensor] : saved) {
    const Tensor own = tensor.to(cpu_device);
    const auto found = loaded.find(name);
    if (found == loaded.end() || found->second.shape() != own.shape() || found->second.dtype() != own.dtype() ||
        std::memcmp(found->second.raw(), own.raw(), own.bytes()) != 0)
      throw_error("the checkpoint does not give back what was saved: {} differs", name);
  }
}

uint64_t bytes_in(const fs::path& folder) {
  uint64_t bytes = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) bytes += entry.file_size();
  return bytes;
}

fs::path nearest_folder(fs::path path) {
  path = fs::absolute(path).lexically_normal();
  while (!fs::is_directory(path) && path.has_relative_path()) path = path.parent_path();
  return path;
}

}  // namespace

Rehearsal::Phase Training::rehearse_steps() {
  Fetched fetched;
  position_.batches_done = 0;
  data_.training->start_epoch(position_.epoch);
  if (!next_batches(fetched) && !stop_requested())
    throw_error("no step could be tried: the data or the limits of the run allow none");
  const Task& task = method_->task();
  Rehearsal::Phase phase{.task = task.name};
  double total = 0;
  for (int i = 0; i < most_steps && total < enough_seconds && !stop_requested(); ++i) {
    const std::vector<Tensor> inputs = step_inputs(task, fetched.batches);
    if (i == 0) announce(task, inputs);
    learner_.adam().set_learning_rate(learning_rate());
    phase.step_seconds = seconds_of([&] {
      learner_.runner().run(task.step, inputs);
      for (const StepResult& result : learner_.runner().results(/*wait=*/true))
        if (result.skipped > 0)
          throw_error<DivergedError>("step {}: loss {} with gradient norm {} is not finite", position_.steps + 1,
                                     result.loss, result.norm);
    });
    total += phase.step_seconds;
    ++position_.steps;
  }
  const auto batches = static_cast<int64_t>(task.batches);
  position_.batches_done = batches;
  const int64_t epochs = config().train.max_epochs, summed = std::min(epochs, needs_.summed_epochs);
  phase.steps_per_epoch = data_.training->batches_per_epoch() / batches;
  phase.epochs = batches > 1 ? summed : epochs - summed;
  return phase;
}

void Training::rehearse_checkpoint(Rehearsal& rehearsal) {
  save(/*is_best=*/false);
  const Checkpoint loaded = load_checkpoint(options_.output / "checkpoints" / "last");
  const CheckpointData before = checkpoint_data(state(), config(), definition_.name);
  expect_same(before.model.tensors, loaded.data.model.tensors);
  expect_same(before.optimizer.tensors, loaded.data.optimizer.tensors);
  restore(state(), loaded, options_, definition_.name, run_.log());
  const CheckpointData after = checkpoint_data(state(), config(), definition_.name);
  expect_same(after.model.tensors, loaded.data.model.tensors);
  expect_same(after.optimizer.tensors, loaded.data.optimizer.tensors);
  if (after.state != loaded.data.state)
    throw_error("the checkpoint does not give back what was saved: state.json differs");
  rehearsal.checkpoint_bytes = bytes_in(loaded.path);
}

std::optional<Rehearsal> Training::rehearse() {
  Rehearsal rehearsal;
  if (!next_epoch()) throw_error("no step could be tried: the limits of the run allow none");
  begin_phase_if_due();
  rehearsal.phases.push_back(rehearse_steps());
  Position late = position_;
  late.epoch = static_cast<int64_t>(many);
  late.minutes = many;
  if (method_->phase_is_due(late)) {
    method_->begin_phase(position_, learner_.adam());
    rehearsal.phases.push_back(rehearse_steps());
  }
  const bool blind = config().validation.select == "blind";
  const int64_t items = blind ? 2 : 1;
  rehearsal.validation_items = data_.validation->size();
  const double seconds = seconds_of([&] {
    data_.validation->run(learner_.network(), position_.epoch, blind, validation_loss(method_->task()), items);
  });
  rehearsal.validation_seconds = seconds / static_cast<double>(std::min(items, rehearsal.validation_items)) *
                                 static_cast<double>(rehearsal.validation_items) * (config().optim.ema > 0 ? 2 : 1);
  if (stop_requested()) return std::nullopt;
  rehearse_checkpoint(rehearsal);
  rehearsal.memory_mib = peak_memory_mib(learner_.stream().device);
  return rehearsal;
}

std::string describe(const Rehearsal& rehearsal, const Config& config, uint64_t free_bytes) {
  std::string table = "| dry run | |\n| --- | --- |\n";
  const auto row = [&](const std::string& what, const std::string& value) {
    table += fmt::format("| {} | {} |\n", what, value);
  };
  double run = 0;
  int64_t epochs = 0;
  for (const Rehearsal::Phase& phase : rehearsal.phases) {
    const double epoch = phase.step_seconds * static_cast<double>(phase.steps_per_epoch);
    row(phase.task + ": a step", fmt::format("{:.4g} s", phase.step_seconds));
    row(fmt::format("{}: an epoch of {} steps", phase.task, phase.steps_per_epoch), format_duration(epoch));
    run += epoch * static_cast<double>(phase.epochs);
    epochs += phase.epochs;
  }
  row(fmt::format("a validation of {} items", rehearsal.validation_items),
      format_duration(rehearsal.validation_seconds));
  if (const int64_t every = config.validation.every_epochs; every > 0)
    run += rehearsal.validation_seconds * static_cast<double>(epochs / every);
  const double limit = 60 * config.train.max_minutes;
  const bool by_epochs = config.train.max_epochs > 0 && (limit <= 0 || run < limit);
  row("the run", by_epochs   ? fmt::format("{} for {} epochs", format_duration(run), epochs)
                 : limit > 0 ? fmt::format("{}: train.max_minutes", format_duration(limit))
                             : std::string("until its patience ends: no limit of epochs or minutes"));
  row("memory", fmt::format("{:.0f} MiB", rehearsal.memory_mib));
  row("a checkpoint", size_text(rehearsal.checkpoint_bytes));
  row("disk", fmt::format("{} for {} checkpoints, {} free", size_text(checkpoints_at_once * rehearsal.checkpoint_bytes),
                          checkpoints_at_once, size_text(free_bytes)));
  return table;
}

int dry_run(const RunOptions& options, const MethodDefinition& method) {
  if (options.resume == "none" && fs::is_directory(options.output) && RunFolder(options.output).in_use())
    throw_error<UsageError>("{}: holds a run already; resume it with --resume auto or choose another --output",
                            options.output.string());
  const fs::path parent = nearest_folder(options.output);
  const Temporary folder = Temporary::subfolder(parent, ".sunder-dry-run-");
  if (!folder.open()) throw_error("{}: cannot write to the folder: {}", parent.string(), std::strerror(errno));
  set_num_threads(options.config.train.threads);
  RunOptions trial = options;
  trial.output = folder.path() / "run";
  trial.resume = "none";
  const TrainingSets sets = open_sets(trial.config, method);
  Communicator alone;
  const auto rehearsal = Training(trial, method, sets, std::nullopt, alone).rehearse();
  if (!rehearsal) return exit_stopped;
  const uint64_t free = free_bytes(parent);
  if (free < checkpoints_at_once * rehearsal->checkpoint_bytes)
    print_message("warning: the disk of {} has no room for the run\n", parent.string());
  print_result("{}", describe(*rehearsal, trial.config, free));
  return exit_done;
}

}  // namespace sunder
