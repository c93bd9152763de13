// How a Trainer begins, is kept and goes on: the run folder and its checkpoints.
#include "command/signals.h"
#include "files/safetensors.h"
#include "nn/architectures.h"
#include "tensor/parallel.h"
#include "train/trainer.h"

namespace sunder {
namespace {

bool belongs_to(const Checkpoint& checkpoint, const std::filesystem::path& run_folder) {
  std::error_code none;
  return std::filesystem::equivalent(checkpoint.path.parent_path(), run_folder / "checkpoints", none);
}

}  // namespace

void Trainer::open_run(std::optional<Checkpoint> given, Stream stream) {
  const Config& c = config();
  const std::filesystem::path& output = options_.output;
  folder_ = std::make_unique<RunFolder>(output);
  const std::optional<Checkpoint> checkpoint = options_.resume == "auto" ? find_latest(output) : std::move(given);
  const bool own = options_.resume == "auto" || (checkpoint && belongs_to(*checkpoint, output));
  if (!own && folder_->in_use())
    throw_error<UsageError>("{}: holds a run already; go on with --resume auto or choose another --output",
                            output.string());
  log_ = std::make_unique<Log>(output / "log.txt");
  log_->info(
      "sunder-train-{} {}: {} training mixtures of {:.2f} s, {} validation mixtures{}; {} parameters, {}, {} threads",
      method_.name, version(), loader_->size(),
      static_cast<double>(loader_->segment_samples()) / validator_->sample_rate(), validator_->size(),
      validator_->has_sources() ? "" : " without clean sources", network_->parameters().count(), c.train.precision,
      num_threads());
  if (checkpoint) resume(*checkpoint);
  else if (!c.train.init.empty()) log_->info("beginning with the weights of {}", c.train.init);
  // Also without a checkpoint: a run that was killed before its first one has left lines.
  folder_->truncate_metrics(steps_, validated_step_);
  folder_->write_config(c);
  progress_ = std::make_unique<ProgressBar>(*log_, ProgressLimits{expected_steps(), c.train.max_minutes},
                                            c.train.log_seconds, stream.device, steps_, 60 * minutes_before_);
  report_ = std::make_unique<Report>(*folder_, steps_);
}

void Trainer::load_weights(const std::filesystem::path& path) {
  const std::filesystem::path folder = model_folder(path), file = model_file(path);
  const bool is_checkpoint = std::filesystem::exists(folder / "manifest.json");
  const SafeTensors model = is_checkpoint ? load_checkpoint(folder).data.model : read_safetensors(file);
  network_->parameters().load_state_dict(model.tensors, file.string());
}

CheckpointData Trainer::checkpoint_data() const {
  CheckpointData data;
  data.model.tensors = network_->parameters().state_dict();
  data.model.metadata = network_->metadata();
  data.model.metadata["sample_rate"] = std::to_string(validator_->sample_rate());
  data.model.metadata["method"] = method_.name;
  data.model.metadata["version"] = version();
  data.model.metadata["config"] = to_toml(config());
  data.optimizer.tensors = adam_->state_dict();
  data.state = {{"method", method_.name},
                {"epoch", epoch_},
                {"batches_done", batches_done_},
                {"inside_epoch", int64_t{inside_epoch_}},
                {"steps", steps_},
                {"validated_step", validated_step_},
                {"minutes", minutes()},
                {"best_score", best_score_},
                {"best_oracle", best_oracle_},
                {"has_best", int64_t{has_best_}},
                {"validations_without_best", validations_without_best_},
                {"epoch_loss", epoch_loss_},
                {"epoch_inputs", epoch_inputs_}};
  for (const auto& [name, value] : counters_) data.state["counter." + name] = value;
  return data;
}

void Trainer::save(bool is_best) {
  note_results(true);
  save_checkpoint(options_.output, steps_, checkpoint_data(), is_best);
  saved_step_ = steps_;
  last_save_ = std::chrono::steady_clock::now();
}

// The epoch counts as under way even after its last batch, so that the resumed run validates at its end.
void Trainer::save_stopped() {
  ended_ = true;
  inside_epoch_ = epoch_ >= 0;
  if (saved_step_ != steps_) save(false);
}

void Trainer::resume(const Checkpoint& checkpoint) {
  const State& state = checkpoint.data.state;
  const std::string source = checkpoint.path.string();
  if (const auto method = state_value<std::string>(state, "method"); method != method_.name)
    throw_error<ModelError>("{}: expected a run of {}, found one of {}", source, method_.name, method);
  const auto saved = checkpoint.data.model.metadata.find("config");
  if (saved == checkpoint.data.model.metadata.end())
    throw_error<ModelError>("{}: expected the run's configuration in the model's metadata, found none", source);
  const Config before = parse_config(saved->second, source);
  check_resumable(before, config(), checkpoint.path);
  for (const ConfigDifference& change : compare(before, config()))
    log_->info("{} was {}, is {}", change.key, change.before, change.after);
  network_->parameters().load_state_dict(checkpoint.data.model.tensors, source);
  adam_->load_state_dict(checkpoint.data.optimizer.tensors, source);
  epoch_ = state_value<int64_t>(state, "epoch");
  batches_done_ = state_value<int64_t>(state, "batches_done");
  inside_epoch_ = state_value<int64_t>(state, "inside_epoch") != 0;
  steps_ = state_value<int64_t>(state, "steps");
  validated_step_ = state_value<int64_t>(state, "validated_step");
  minutes_before_ = state_value<double>(state, "minutes");
  best_score_ = state_value<double>(state, "best_score");
  best_oracle_ = state_value<double>(state, "best_oracle");
  has_best_ = state_value<int64_t>(state, "has_best") != 0;
  validations_without_best_ = state_value<int64_t>(state, "validations_without_best");
  epoch_loss_ = state_value<double>(state, "epoch_loss");
  epoch_inputs_ = state_value<int64_t>(state, "epoch_inputs");
  for (const auto& [key, value] : state)
    if (key.starts_with("counter.")) counters_[key.substr(8)] = state_value<int64_t>(state, key);
  adam_->set_learning_rate(learning_rate());
  if (belongs_to(checkpoint, options_.output)) {
    rewind_checkpoints(options_.output, checkpoint);
    saved_step_ = steps_;
  }
  if (!checkpoint.note.empty()) log_->warn("{}", checkpoint.note);
  log_->info("resumed from {} (step {}, epoch {})", source, steps_, epoch_);
}

}  // namespace sunder
