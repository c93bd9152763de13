#include "train/trainer.h"

#include <cmath>

#include "command/signals.h"
#include "nn/architectures.h"
#include "tensor/memory.h"
#include "tensor/parallel.h"
#include "train/step_memory.h"

namespace sunder {
namespace {

double seconds_since(std::chrono::steady_clock::time_point then) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
}

SeparatorConfig network_config(const Config& config, const Trainer::Method& method) {
  const auto& m = config.model;
  const int64_t outputs = m.sources * method.outputs_per_source;
  if (m.architecture == "stft-conv-tasnet")
    return ConvTasNetConfig{outputs,      m.n_fft,       m.hop_length, m.num_feats,
                            m.num_hidden, m.kernel_size, m.num_layers, m.num_stacks};
  FarFieldConfig far;
  far.network = {.sources = outputs,
                 .microphones = m.microphones,
                 .emb_dim = m.emb_dim,
                 .blocks = m.num_blocks,
                 .emb_ks = m.emb_ks,
                 .emb_hs = m.emb_hs,
                 .hidden = m.lstm_hidden,
                 .heads = m.heads,
                 .attn_approx_qk_dim = m.qk_channels * (m.n_fft / 2 + 1)};
  far.stft = {m.n_fft, m.hop_length, m.window};
  far.output = method.output;
  far.fcp = far_taps(config);
  far.fcp_xi = config.fcp.floor;
  return far;
}

}  // namespace

Trainer::Trainer(const RunOptions& options, const Method& method) : options_(options), method_(method) {
  const Config& c = config();
  check_options();
  std::optional<Checkpoint> given;
  if (options.resume != "none" && options.resume != "auto") given = find_checkpoint(options.resume);
  set_num_threads(c.train.threads);
  stream_ = std::make_unique<cuda::OwnedStream>(parse_device(c.train.device));
  const Stream stream = stream_->get();
  const Precision precision = parse_precision(c.train.precision, stream.device);
  network_ = make_separator(network_config(c, method), precision, stream, c.train.seed);
  if (!c.train.init.empty() && (options.resume == "none" || (options.resume == "auto" && !find_latest(options.output))))
    load_weights(c.train.init);
  adam_ = std::make_unique<Adam>(
      network_->parameters(), c.optim.lr,
      AdamOptions{.beta1 = c.optim.beta1, .beta2 = c.optim.beta2, .eps = c.optim.eps, .clip = c.optim.clip});
  const cuda::GraphUse graphs = c.train.graph == "off"  ? cuda::GraphUse::off
                                : c.train.graph == "on" ? cuda::GraphUse::required
                                                        : cuda::GraphUse::where_possible;
  runner_ = std::make_unique<StepRunner>(network_->parameters(), *adam_, graphs);
  open_data(precision.signals, stream);
  open_run(std::move(given), stream);
  watch_stop_signals();
  start_ = last_save_ = last_validation_ = last_metrics_ = std::chrono::steady_clock::now();
}

FcpOptions far_taps(const Config& config) {
  const auto& f = config.fcp;
  return {.past = f.far_past, .future = f.far_future, .loading = f.loading, .stop_gradient = f.stop_gradient};
}

FcpOptions close_taps(const Config& config) {
  const auto& f = config.fcp;
  return {.past = f.close_past, .future = f.close_future, .loading = f.loading, .stop_gradient = f.stop_gradient};
}

void Trainer::check_options() const {
  const Config& c = config();
  if (c.model.architecture == "stft-conv-tasnet" && c.model.microphones > 1)
    throw_error<UsageError>("model.microphones: expected 1 for stft-conv-tasnet, got {}", c.model.microphones);
  if (c.validation.select == "valid_loss" && !method_.mean_loss)
    throw_error<UsageError>("validation.select: {} has no loss on the validation set; expected si_snri, blind or loss",
                            method_.name);
  if (c.model.microphones > 1 && !method_.mean_loss)
    throw_error<UsageError>("model.microphones: expected 1 for {}, which works on waveforms, got {}", method_.name,
                            c.model.microphones);
  if (c.validation.select == "blind" && c.model.microphones > 1)
    throw UsageError("validation.select: the blind score is for one microphone");
  if (c.optim.min_lr > 0 && c.optim.min_lr >= c.optim.lr)
    throw_error<UsageError>("optim.min_lr: expected less than optim.lr = {}, got {}", c.optim.lr, c.optim.min_lr);
  for (const FcpOptions& taps : {far_taps(c), close_taps(c)})
    if (taps.taps() > fcp_max_taps)
      throw_error<UsageError>("fcp: expected filters of at most {} frames, got {} past and {} future ones",
                              fcp_max_taps, taps.past, taps.future);
  if (method_.output == FarFieldOutput::source && c.model.architecture != "tf-gridnet")
    throw_error<UsageError>("model.architecture: expected tf-gridnet for {}, got {}", method_.name,
                            c.model.architecture);
  if (c.train.graph == "on" && c.train.device == "cpu")
    throw_error<UsageError>("train.graph: expected auto or off on the CPU, which has no graphs, got on");
  if (method_.even_batch && c.train.batch % 2 != 0)
    throw_error<UsageError>(
        "train.batch: expected an even number (MixCycle exchanges estimates between neighbours), got {}",
        c.train.batch);
  if (const int64_t outputs = c.model.sources * method_.outputs_per_source;
      c.validation.select == "blind" && outputs != 2)
    throw_error<UsageError>("validation.select: the blind score needs a network of 2 outputs, this one has {}",
                            outputs);
}

void Trainer::open_data(DType dtype, Stream stream) {
  const Config& c = config();
  MixtureSetOptions wanted{.channels = static_cast<int>(network_->microphones()),
                           .close_talk = method_.reads_close_talk,
                           .sources = method_.reads_references ? CleanSources::required : CleanSources::unused,
                           .on_the_fly = c.data.on_the_fly,
                           .seed = c.train.seed,
                           .path_from = c.data.path_from,
                           .path_to = c.data.path_to};
  const MixtureSet training = MixtureSet::open(c.data.set, "train", wanted);
  // Validation reports scores, whatever a method learns from; real recordings have none.
  wanted.sources = c.validation.select == "si_snri" ? CleanSources::required : CleanSources::where_listed;
  wanted.on_the_fly = false;
  const MixtureSet validation = MixtureSet::open(c.data.set, "valid", wanted);
  for (const MixtureSet* set : {&training, &validation})
    if (set->num_sources() != c.model.sources)
      throw_error<UsageError>("model.sources: the set {} has mixtures of {} sources, got {}", c.data.set,
                              set->num_sources(), c.model.sources);
  if (validation.sample_rate() != training.sample_rate())
    throw_error<InputError>("{}: expected validation mixtures of {} Hz as for training, got {} Hz", c.data.set,
                            training.sample_rate(), validation.sample_rate());
  const int64_t needed = c.train.batch * (method_.paired_epochs > 0 ? 2 : 1);
  if (training.size() < needed)
    throw_error<InputError>("{}: expected at least {} training mixtures for {} of train.batch = {}, got {}", c.data.set,
                            needed, method_.paired_epochs > 0 ? "two batches" : "a batch", c.train.batch,
                            training.size());
  loader_ = std::make_unique<Loader>(training, LoaderOptions{.batch = c.train.batch,
                                                             .segment_seconds = c.data.segment_seconds,
                                                             .crop = c.data.crop,
                                                             .with_references = method_.reads_references,
                                                             .seed = c.train.seed,
                                                             .threads = c.data.loader_threads,
                                                             .dtype = dtype});
  if (loader_->segment_samples() < network_->shortest_input())
    throw_error<InputError>("{}: training segments of {} samples are shorter than the {} that the network needs",
                            c.data.set, loader_->segment_samples(), network_->shortest_input());
  if (method_.output == FarFieldOutput::source) {
    const int64_t frames = far_field().stft().frames(loader_->segment_samples());
    const int64_t taps = std::max(far_taps(c).taps(), close_taps(c).taps());
    if (frames <= taps)
      throw_error<UsageError>("data.segment_seconds: expected more than the {} frames that a filter spans, got {}",
                              taps, frames);
  }
  validator_ = std::make_unique<Validator>(validation, c, dtype, stream);
  validator_->require_length(network_->shortest_input());
}

int64_t Trainer::expected_steps() const {
  const int64_t epochs = config().train.max_epochs, paired = std::min(epochs, method_.paired_epochs);
  return paired * (loader_->batches_per_epoch() / 2) + (epochs - paired) * loader_->batches_per_epoch();
}

double Trainer::minutes() const { return minutes_before_ + seconds_since(start_) / 60; }

bool Trainer::next_epoch() {
  const Config& c = config();
  if (ended_ || out_of_patience() || rate_is_spent()) return false;
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
  last_batches_ = {batch};
  return true;
}

bool Trainer::next_pair(Batch& first, Batch& second) {
  if (batches_done_ + 2 > loader_->batches_per_epoch()) {
    inside_epoch_ = false;
    return false;
  }
  if (!next_batch(first)) return false;
  if (!loader_->next(second)) SUNDER_ASSERT(false);  // counted above
  ++batches_done_;
  last_batches_.push_back(second);
  return true;
}

void Trainer::step(const std::string& kind, const std::vector<Tensor>& inputs, const StepRunner::Loss& loss) {
  const Config& c = config();
  if (announced_.insert(kind).second) announce_memory(kind, inputs, loss);
  runner_->run(kind, inputs, loss);
  pending_.push_back({++steps_, epoch_, loader_->seconds_waited() - waited_before_step_, std::move(last_batches_)});
  if (const cuda::GraphSize size = runner_->graph_size(); size != graph_size_) {
    graph_size_ = size;
    size_t bytes = 0;
    for (const Tensor& input : inputs) bytes += input.bytes();
    if (size.total() > 0)
      log_->info(
          "{}: a step is one CUDA graph of {} kernels, {} copies and {} fills; {} bytes go up to the device, {} down",
          kind, size.kernels, size.copies, size.fills, bytes, adam_->report().bytes());
  }
  if (const std::string why = runner_->not_captured(); !why.empty() && uncaptured_.insert(kind).second)
    log_->warn("{}: a step cannot be captured as a CUDA graph and is launched piece by piece: {}", kind, why);
  note_results(false);
  if (c.train.checkpoint_minutes > 0 && seconds_since(last_save_) >= 60 * c.train.checkpoint_minutes) save(false);
}

void Trainer::announce_memory(const std::string& kind, const std::vector<Tensor>& inputs,
                              const StepRunner::Loss& loss) {
  const auto bytes =
      predict_step_memory(network_->parameters(), inputs, loader_->segment_samples(), network_->shortest_input(), loss);
  if (!bytes) return;
  const auto now = static_cast<double>(memory_stats(stream_->get().device).bytes_in_use);
  log_->info("{}: a step will need about {:.2f} GB of memory, {:.2f} with the parameters and what is loaded", kind,
             static_cast<double>(*bytes) * 1e-9, (static_cast<double>(*bytes) + now) * 1e-9);
}

void Trainer::note_results(bool wait) {
  for (const StepResult& result : runner_->results(wait)) {
    const Pending step = std::move(pending_.front());
    pending_.pop_front();
    note(step, result);
  }
}

void Trainer::note(const Pending& step, const StepResult& result) {
  const int64_t inputs = config().train.batch;
  const double per_input = method_.mean_loss ? result.loss : result.loss / static_cast<double>(inputs);
  check_finite(step, result, per_input);
  if (result.skipped == 0) {
    epoch_loss_ += per_input * static_cast<double>(inputs);
    epoch_inputs_ += inputs;
  }
  progress_->step(step.epoch, inputs, per_input, step.waited);
  if (seconds_since(last_metrics_) < config().train.log_seconds) return;
  last_metrics_ = std::chrono::steady_clock::now();
  report_->training({step.step, step.epoch, minutes()}, per_input, result.norm);
}

void Trainer::check_finite(const Pending& step, const StepResult& result, double per_input) {
  const int64_t patience = config().train.nonfinite_patience;
  if (result.skipped == 0) return;
  log_->warn("step {}: loss {} with gradient norm {} is not finite, update left out ({} of {} in a row)", step.step,
             per_input, result.norm, result.skipped, patience);
  if (result.skipped < patience) return;
  const auto dump = options_.output / "diverged-batch.safetensors";
  std::map<std::string, Tensor> tensors;
  for (size_t i = 0; i < step.batches.size(); ++i) {
    const std::string suffix = i == 0 ? "" : "_2";
    tensors["mixtures" + suffix] = step.batches[i].mixtures;
    if (step.batches[i].references.defined()) tensors["references" + suffix] = step.batches[i].references;
    if (step.batches[i].close_talk.defined()) tensors["close_talk" + suffix] = step.batches[i].close_talk;
  }
  write_safetensors(dump, tensors, {});
  throw_error<DivergedError>("diverged at step {}: {} updates in a row were not finite; the last batch is in {}",
                             step.step, result.skipped, dump.string());
}

bool Trainer::validation_due() const {
  const auto& v = config().validation;
  return (v.every_epochs > 0 && (epoch_ + 1) % v.every_epochs == 0) ||
         (v.every_minutes > 0 && seconds_since(last_validation_) >= 60 * v.every_minutes);
}

void Trainer::end_epoch() {
  note_results(true);
  if (!stop_requested()) {
    if (ended_) return;  // out of time: finish() validates
    if (!validation_due()) return save(false);
    if (validate()) return;
  }
  save_stopped();
}

bool Trainer::rank(const ValidationScores& scores, double mean_loss) {
  const std::string& select = config().validation.select;
  const double score = select == "loss"         ? -mean_loss
                       : select == "valid_loss" ? -scores.loss.value_or(NAN)
                       : select == "blind"      ? scores.blind.value_or(NAN)
                                                : scores.si_snri.value_or(NAN);
  const bool is_best = std::isfinite(score) && (!has_best_ || score > best_score_);
  // MixIT's patience is also reset by its oracle score, as in the authors' code.
  const bool oracle_is_best = scores.oracle && (counters_["has_oracle"] == 0 || *scores.oracle > best_oracle_);
  if (is_best) best_score_ = score;
  has_best_ |= is_best;
  if (oracle_is_best) best_oracle_ = *scores.oracle;
  counters_["has_oracle"] |= oracle_is_best;
  validations_without_best_ = is_best || oracle_is_best ? 0 : validations_without_best_ + 1;
  lower_learning_rate();
  return is_best;
}

// torch's ReduceLROnPlateau without its threshold: the (patience + 1)-th validation in a row without a better score
// lowers the rate, and the count begins again.
void Trainer::lower_learning_rate() {
  const auto& optim = config().optim;
  int64_t& waited = counters_["plateau_validations"];
  waited = validations_without_best_ == 0 ? 0 : waited + 1;
  if (optim.plateau_patience == 0 || waited <= optim.plateau_patience) return;
  waited = 0;
  ++counters_["plateaus"];
  adam_->set_learning_rate(learning_rate());
  log_->info("no better score in {} validations: the learning rate is {:.3g} now", optim.plateau_patience + 1,
             learning_rate());
}

double Trainer::learning_rate() const {
  const auto found = counters_.find("plateaus");
  return config().optim.lr *
         std::pow(config().optim.plateau_factor, found == counters_.end() ? 0 : static_cast<double>(found->second));
}

void Trainer::validate_with(std::function<std::vector<Tensor>(const Batch&)> inputs, StepRunner::Loss loss) {
  validation_loss_ = [this, inputs = std::move(inputs), loss = std::move(loss)](const Batch& batch) {
    const NoGrad no_grad;
    std::vector<Tensor> there;
    for (const Tensor& input : inputs(batch)) there.push_back(input.to(stream_->get()));
    const double value = loss(there).value().item();
    return method_.mean_loss ? value : value / static_cast<double>(batch.mixtures.size(0));
  };
}

bool Trainer::validate() {
  progress_->finish();
  const auto found = validator_->run(*network_, epoch_, config().validation.select == "blind", validation_loss_);
  if (!found) return false;
  const ValidationScores& scores = *found;
  const double mean_loss = epoch_inputs_ > 0 ? epoch_loss_ / static_cast<double>(epoch_inputs_) : NAN;
  const bool is_best = rank(scores, mean_loss);
  log_->info(
      "epoch {} step {} minutes {:.2f}: training loss {:.3f}{}{}{}{}, weaker output "
      "{:.1f} dB below the stronger{}",
      epoch_, steps_, minutes(), mean_loss, scores.loss ? fmt::format(", validation loss {:.4f}", *scores.loss) : "",
      scores.si_snri ? fmt::format(", validation SI-SNRi {:.2f} dB", *scores.si_snri) : "",
      scores.oracle ? fmt::format(" (oracle {:.2f})", *scores.oracle) : "",
      scores.blind ? fmt::format(", blind {:.2f} dB", *scores.blind) : "", -scores.weaker_to_stronger_db,
      is_best ? ", best" : "");
  if (const auto* far = dynamic_cast<const FarFieldSeparator*>(network_.get())) {
    if (const auto failed = static_cast<int64_t>(far->failures().item()); failed > 0)
      log_->warn("{} filters of FCP could not be found since the last validation (silent or dependent signals)",
                 failed);
    far->failures().zero();
  }
  if (scores.si_snri && scores.items == 0)
    log_->warn("{}: no validation mixture has a score, all are silent", config().data.set);
  if (scores.weaker_to_stronger_db < collapse_warning_db)
    log_->warn(
        "the weaker output is {:.1f} dB below the stronger: the network may be collapsing to the mixture and "
        "silence, which no score without references shows",
        -scores.weaker_to_stronger_db);
  if (out_of_patience()) log_->info("no better score in {} validations: done", validations_without_best_);
  report_->validation({steps_, epoch_, minutes()}, mean_loss, scores);
  if (is_best) report_->example(steps_, validator_->example(*network_));
  last_validation_ = std::chrono::steady_clock::now();
  validated_step_ = steps_;
  save(is_best);
  return true;
}

std::string Trainer::shown_best() const {
  const std::string& select = config().validation.select;
  return select == "loss" || select == "valid_loss" ? fmt::format("{:.4f}", -best_score_)
                                                    : fmt::format("{:.2f} dB", best_score_);
}

int Trainer::finish() {
  note_results(true);
  progress_->finish();
  if (!stop_requested() && validated_step_ != steps_) validate();
  if (stop_requested()) {
    save_stopped();
    log_->info("stopped by {} after step {}; the checkpoint is in {}; run again with --resume auto to go on",
               stop_signal_name(), steps_, (options_.output / "checkpoints" / "last").string());
    return exit_stopped;
  }
  const std::string summary = fmt::format(
      "| method | epochs | steps | minutes | best by | score |\n| --- | --- | --- | --- | --- | --- |\n"
      "| {} | {} | {} | {:.1f} | {} | {} |\n",
      method_.name, epoch_ + 1, steps_, minutes(), config().validation.select, has_best_ ? shown_best() : "none");
  folder_->write_results(summary);
  fmt::print("{}", summary);
  return 0;
}

}  // namespace sunder
