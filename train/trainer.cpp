#include "train/trainer.h"

#include <fmt/ranges.h>

#include <cmath>

#include "nn/registry.h"
#include "tensor/memory.h"
#include "tensor/parallel.h"
#include "train/signals.h"

namespace sunder {
namespace {

double seconds_since(std::chrono::steady_clock::time_point then) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
}

DType dtype_for(const std::string& precision) { return precision == "fp64" ? DType::float64 : DType::float32; }

ConvTasNetConfig sizes(const Config& config, int64_t outputs) {
  const auto& m = config.model;
  return {outputs, m.n_fft, m.hop_length, m.num_feats, m.num_hidden, m.kernel_size, m.num_layers, m.num_stacks};
}

}  // namespace

Trainer::Trainer(const RunOptions& options, const Method& method)
    : options_(options), method_(method), start_(std::chrono::steady_clock::now()) {
  const Config& c = config();
  if (method.even_batch && c.train.batch % 2 != 0)
    throw_error<UsageError>("train.batch: expected an even number (MixCycle exchanges estimates between neighbours), got {}",
                            c.train.batch);
  set_num_threads(c.train.threads);
  const Stream stream = parse_device(c.train.device);
  const DType dtype = dtype_for(c.train.precision);

  const MixtureSet training = MixtureSet::open(c.data.set, "train");
  if (training.num_sources() != c.model.sources)
    throw_error<UsageError>("model.sources: the set {} has mixtures of {} sources, got {}", c.data.set,
                            training.num_sources(), c.model.sources);
  validator_ = std::make_unique<Validator>(MixtureSet::open(c.data.set, "valid"), c, dtype, stream);
  network_ = make_separator(c.model.architecture, sizes(c, c.model.sources * method.outputs_per_source), dtype, stream,
                            c.train.seed);
  adam_ = std::make_unique<Adam>(
      network_->parameters(), c.optim.lr,
      AdamOptions{.beta1 = c.optim.beta1, .beta2 = c.optim.beta2, .eps = c.optim.eps, .clip = c.optim.clip});
  loader_ = std::make_unique<Loader>(training, LoaderOptions{.batch = c.train.batch,
                                                             .segment_seconds = c.data.segment_seconds,
                                                             .crop = c.data.crop,
                                                             .with_references = method.reads_references,
                                                             .seed = c.train.seed,
                                                             .threads = c.data.loader_threads,
                                                             .dtype = dtype});
  if (loader_->segment_samples() < network_->shortest_input())
    throw_error<InputError>("{}: training segments of {} samples are shorter than the {} that the network needs",
                            c.data.set, loader_->segment_samples(), network_->shortest_input());

  folder_ = std::make_unique<RunFolder>(options.output);
  const auto checkpoint = options.resume == "none"   ? std::nullopt
                          : options.resume == "auto" ? find_latest(options.output)
                                                     : std::optional(load_checkpoint(options.resume));
  if (!checkpoint && folder_->in_use() && options.resume == "none")
    throw_error<UsageError>("{}: holds a run already; go on with --resume auto or choose another --output",
                            options.output.string());
  log_ = std::make_unique<Log>(options.output / "log.txt");
  log_->info("sunder-train-{} {}: {} mixtures of {} for training, {} for validation; {} parameters, {}, {} threads",
             method.name, version(), training.size(), format_duration(static_cast<double>(loader_->segment_samples()) /
                                                                      training.sample_rate()),
             validator_->size(), network_->parameters().count(), c.train.precision, num_threads());
  if (checkpoint) resume(*checkpoint);
  folder_->write_config(c);
  watch_stop_signals();
  progress_ = std::make_unique<ProgressBar>(
      *log_, ProgressLimits{c.train.max_epochs * steps_per_epoch(), c.train.max_minutes}, c.train.log_seconds,
      stream.device, steps_, 60 * minutes_before_);
  start_ = last_save_ = last_validation_ = last_metrics_ = std::chrono::steady_clock::now();
}

int64_t Trainer::steps_per_epoch() const { return loader_->batches_per_epoch(); }

double Trainer::minutes() const { return minutes_before_ + seconds_since(start_) / 60; }

bool Trainer::next_epoch() {
  const Config& c = config();
  if (ended_) return false;
  if (!inside_epoch_) {
    if (c.train.max_epochs > 0 && epoch_ + 1 >= c.train.max_epochs) return false;
    if (out_of_time()) return false;
    ++epoch_;
    batches_done_ = 0;
    epoch_loss_ = 0;
    epoch_inputs_ = 0;
    inside_epoch_ = true;
  }
  loader_->start_epoch(epoch_, batches_done_);
  return true;
}

bool Trainer::next_batch(Batch& batch) {
  if (stop_requested() || out_of_time()) {
    ended_ = true;
    return false;
  }
  waited_before_step_ = loader_->seconds_waited();
  if (!loader_->next(batch)) {
    inside_epoch_ = false;
    return false;
  }
  ++batches_done_;
  last_batch_ = batch;
  return true;
}

bool Trainer::next_pair(Batch& first, Batch& second) {
  if (batches_done_ + 2 > loader_->batches_per_epoch()) {
    inside_epoch_ = false;
    return false;
  }
  if (!next_batch(first)) return false;
  const double waited_before = waited_before_step_;
  if (!loader_->next(second)) SUNDER_ASSERT(false);  // counted above
  ++batches_done_;
  waited_before_step_ = waited_before;
  return true;
}

void Trainer::step(const Variable& loss, int64_t inputs) {
  const Config& c = config();
  network_->parameters().zero_grad();
  const double value = loss.value().item();
  backward(loss);
  const double norm = adam_->step().item();
  ++steps_;
  if (const int64_t skipped = adam_->skipped(); skipped > 0) {
    log_->warn("step {}: loss {} with gradient norm {} is not finite, update left out ({} of {} in a row)", steps_,
               value / static_cast<double>(inputs), norm, skipped, c.train.nonfinite_patience);
    if (skipped >= c.train.nonfinite_patience) {
      const auto dump = options_.output / "diverged-batch.safetensors";
      write_safetensors(dump, {{"mixtures", last_batch_.mixtures}}, {});
      throw_error<DivergedError>("diverged at step {}: {} updates in a row were not finite; the last batch is in {}", steps_,
                                 skipped, dump.string());
    }
  } else {
    epoch_loss_ += value;
    epoch_inputs_ += inputs;
  }
  const double per_input = value / static_cast<double>(inputs);
  progress_->step(epoch_, inputs, per_input, loader_->seconds_waited() - waited_before_step_);
  if (seconds_since(last_metrics_) >= c.train.log_seconds) {
    last_metrics_ = std::chrono::steady_clock::now();
    folder_->append_metrics({{"step", steps_}, {"epoch", epoch_}, {"minutes", minutes()}, {"loss", per_input},
                             {"gradient_norm", norm}});
  }
  if (c.train.checkpoint_minutes > 0 && seconds_since(last_save_) >= 60 * c.train.checkpoint_minutes) save(false);
}

void Trainer::end_epoch() {
  if (stop_requested()) {
    ended_ = true;
    save(false);
    return;
  }
  const auto& v = config().validation;
  const bool by_epochs = v.every_epochs > 0 && (epoch_ + 1) % v.every_epochs == 0;
  const bool by_minutes = v.every_minutes > 0 && seconds_since(last_validation_) >= 60 * v.every_minutes;
  const bool last = ended_ || out_of_time() || (config().train.max_epochs > 0 && epoch_ + 1 >= config().train.max_epochs);
  if (by_epochs || by_minutes || last) validate();
  else save(false);
}

void Trainer::validate() {
  progress_->finish();
  const Config& c = config();
  const double mean_loss = epoch_inputs_ > 0 ? epoch_loss_ / static_cast<double>(epoch_inputs_) : NAN;
  const ValidationScores scores = validator_->run(*network_, epoch_, c.validation.select == "blind");
  const double score = c.validation.select == "loss" ? -mean_loss : c.validation.select == "blind" ? scores.blind : scores.si_snri;
  const bool is_best = std::isfinite(score) && (!has_best_ || score > best_score_);
  // MixIT's patience is also reset by its oracle score, as in the authors' code.
  const bool oracle_is_best = scores.oracle && (!counters_.contains("has_oracle") || *scores.oracle > best_oracle_);
  if (oracle_is_best) {
    best_oracle_ = *scores.oracle;
    counters_["has_oracle"] = 1;
  }
  if (is_best) {
    best_score_ = score;
    has_best_ = true;
  }
  validations_without_best_ = is_best || oracle_is_best ? 0 : validations_without_best_ + 1;
  MetricsRow row{{"step", steps_}, {"epoch", epoch_}, {"minutes", minutes()}, {"train_loss", mean_loss},
                 {"valid_si_snri", scores.si_snri}, {"valid_collapse_db", scores.weaker_to_stronger_db}};
  if (scores.oracle) row.emplace_back("valid_si_snri_oracle", *scores.oracle);
  if (c.validation.select == "blind") row.emplace_back("valid_blind", scores.blind);
  folder_->append_metrics(row);
  log_->info("epoch {} step {} minutes {:.2f}: training loss {:.3f}, validation SI-SNRi {:.2f} dB{}{}, weaker output "
             "{:.1f} dB below the stronger{}",
             epoch_, steps_, minutes(), mean_loss, scores.si_snri,
             scores.oracle ? fmt::format(" (oracle {:.2f})", *scores.oracle) : "",
             c.validation.select == "blind" ? fmt::format(", blind {:.2f} dB", scores.blind) : "",
             -scores.weaker_to_stronger_db, is_best ? ", best" : "");
  if (scores.weaker_to_stronger_db < collapse_warning_db)
    log_->warn("the weaker output is {:.1f} dB below the stronger: the network may be collapsing to the mixture and "
               "silence, which no score without references shows", -scores.weaker_to_stronger_db);
  if (c.train.patience > 0 && validations_without_best_ >= c.train.patience) {
    log_->info("no better score in {} validations: done", validations_without_best_);
    ended_ = true;
  }
  last_validation_ = std::chrono::steady_clock::now();
  save(is_best);
}

int Trainer::finish() {
  progress_->finish();
  if (stop_requested()) {
    log_->info("stopped by {} after step {}; the checkpoint is in {}; run again with --resume auto to go on",
               stop_signal_name(), steps_, (options_.output / "checkpoints" / "last").string());
    return stopped_exit_code;
  }
  const std::string select = config().validation.select;
  const std::string summary =
      fmt::format("| method | epochs | steps | minutes | best by | score |\n| --- | --- | --- | --- | --- | --- |\n"
                  "| {} | {} | {} | {:.1f} | {} | {:.2f} |\n",
                  method_.name, epoch_ + 1, steps_, minutes(), select, best_score_);
  folder_->write_results(summary);
  fmt::print("{}", summary);
  return 0;
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
  save_checkpoint(options_.output, steps_, checkpoint_data(), is_best);
  last_save_ = std::chrono::steady_clock::now();
}

void Trainer::resume(const Checkpoint& checkpoint) {
  const State& state = checkpoint.data.state;
  const std::string source = checkpoint.path.string();
  if (const auto method = state_value<std::string>(state, "method"); method != method_.name)
    throw_error<CheckpointError>("{}: expected a run of {}, found one of {}", source, method_.name, method);
  const auto saved = checkpoint.data.model.metadata.find("config");
  if (saved == checkpoint.data.model.metadata.end())
    throw_error<CheckpointError>("{}: expected the run's configuration in the model's metadata, found none", source);
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
  minutes_before_ = state_value<double>(state, "minutes");
  best_score_ = state_value<double>(state, "best_score");
  best_oracle_ = state_value<double>(state, "best_oracle");
  has_best_ = state_value<int64_t>(state, "has_best") != 0;
  validations_without_best_ = state_value<int64_t>(state, "validations_without_best");
  epoch_loss_ = state_value<double>(state, "epoch_loss");
  epoch_inputs_ = state_value<int64_t>(state, "epoch_inputs");
  for (const auto& [key, value] : state)
    if (key.starts_with("counter.")) counters_[key.substr(8)] = std::get<int64_t>(value);
  const auto own = options_.output / "checkpoints";
  if (std::filesystem::exists(own) && std::filesystem::equivalent(checkpoint.path.parent_path(), own))
    rewind_checkpoints(options_.output, checkpoint);
  folder_->truncate_metrics(steps_);
  if (!checkpoint.note.empty()) log_->warn("{}", checkpoint.note);
  log_->info("resumed from {} (step {}, epoch {})", source, steps_, epoch_);
}

}  // namespace sunder
