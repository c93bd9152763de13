#include "train/train.h"

#include <cmath>

#include "command/output.h"
#include "command/signals.h"
#include "tensor/blas.h"
#include "tensor/parallel.h"
#include "tensor/simd.h"
#include "train/pace.h"
#include "train/resume.h"
#include "train/setup.h"
#include "train/step_log.h"
#include "train/task_notes.h"

namespace sunder {
namespace {

struct Fetched {
  std::vector<Batch> batches;
  double waited = 0;  // seconds
};

bool starts_anew(const RunOptions& options) {
  return options.resume == "none" || (options.resume == "auto" && !has_checkpoints(options.output));
}

class Training {
 public:
  Training(const RunOptions& options, const MethodDefinition& definition, const TrainingSets& sets,
           std::optional<Checkpoint> given);
  int run();

 private:
  const Config& config() const { return options_.config; }
  TrainingState state() { return {learner_, position_, selection_, *method_, data_.identity}; }
  Position begin_or_resume(std::optional<Checkpoint> given);
  bool next_epoch();
  bool next_batches(const Task& task, Fetched& fetched);
  void step(const Task& task, Fetched fetched);
  void end_epoch(const Task& task);
  bool validate(const Task& task);  // and save; false if a signal came first
  void describe(const ValidationScores& scores, bool is_best);
  void save(bool is_best);
  void save_stopped();
  int finish();

  const RunOptions& options_;
  const MethodDefinition& definition_;
  const MethodNeeds needs_ = definition_.needs(config());
  Learner learner_;
  const TrainingData data_;
  const std::unique_ptr<Method> method_;
  Run run_;
  Selection selection_;
  int64_t saved_step_ = -1;
  Position position_;
  Pace pace_;
  StepLog steps_;
  TaskNotes notes_;
  bool ended_ = false;  // no more steps: out of time, or a signal
};

int Training::run() {
  for (; next_epoch(); end_epoch(method_->task())) {
    position_.minutes = pace_.minutes();
    const std::string news = method_->begin_epoch(position_, learner_.adam());
    if (!news.empty()) run_.log().info("{}", news);
    const Task& task = method_->task();
    for (Fetched fetched; next_batches(task, fetched);) step(task, std::move(fetched));
  }
  return finish();
}

bool Training::next_epoch() {
  const int64_t most = config().train.max_epochs;
  if (ended_ || selection_.out_of_patience() || selection_.rate_is_spent()) return false;
  if (!position_.inside_epoch) {
    if (most > 0 && position_.epoch + 1 >= most) return false;
    if (pace_.out_of_time()) return false;
    ++position_.epoch;
    position_.batches_done = 0;
    position_.epoch_loss = 0;
    position_.epoch_inputs = 0;
    position_.inside_epoch = true;
  }
  data_.training->start_epoch(position_.epoch, position_.batches_done);
  return true;
}

bool Training::next_batches(const Task& task, Fetched& fetched) {
  Loader& loader = *data_.training;
  const auto count = static_cast<int64_t>(task.batches);
  const bool epoch_is_over = position_.batches_done + count > loader.batches_per_epoch();
  if (count > 1 && epoch_is_over) return position_.inside_epoch = false;
  if (stop_requested() || pace_.out_of_time()) {
    ended_ = true;
    return false;
  }
  if (epoch_is_over) return position_.inside_epoch = false;
  const double before = loader.seconds_waited();
  fetched.batches.assign(task.batches, {});
  for (Batch& batch : fetched.batches)
    if (!loader.next(batch)) SUNDER_ASSERT(false);  // counted above
  fetched.waited = loader.seconds_waited() - before;
  position_.batches_done += count;
  return true;
}

void Training::step(const Task& task, Fetched fetched) {
  const std::vector<Tensor> inputs = task.inputs(fetched.batches, position_);
  if (const std::string news = data_.training->news(); !news.empty())
    run_.log().warn("{}: {}", config().data.set, news);
  notes_.before(task, inputs, data_.training->segment_samples(), learner_, run_.log());
  learner_.runner().run(task.step, inputs);
  ++position_.steps;
  steps_.add(position_, fetched.waited, std::move(fetched.batches));
  notes_.after(task, inputs, learner_, run_.log());
  steps_.take_results(learner_.runner(), /*wait=*/false, run_, position_, pace_.minutes());
  if (pace_.checkpoint_due()) save(/*is_best=*/false);
}

// Validates if due, and saves. After a signal it only saves: the resumed run validates.
void Training::end_epoch(const Task& task) {
  steps_.take_results(learner_.runner(), /*wait=*/true, run_, position_, pace_.minutes());
  if (!stop_requested()) {
    if (ended_) return;  // out of time: finish() validates
    if (!pace_.validation_due(position_)) return save(/*is_best=*/false);
    if (validate(task)) return;
  }
  save_stopped();
}

int Training::finish() {
  steps_.take_results(learner_.runner(), /*wait=*/true, run_, position_, pace_.minutes());
  run_.progress().finish();
  if (!stop_requested() && position_.validated_step != position_.steps) validate(method_->task());
  if (stop_requested()) {
    save_stopped();
    run_.log().info("stopped by {} after step {}; the checkpoint is in {}; resume with --resume auto",
                    stop_signal_name(), position_.steps, (options_.output / "checkpoints" / "last").string());
    return exit_stopped;
  }
  const std::string summary = fmt::format(
      "| method | epochs | steps | minutes | best by | score |\n| --- | --- | --- | --- | --- | --- |\n"
      "| {} | {} | {} | {:.1f} | {} | {} |\n",
      definition_.name, position_.epoch + 1, position_.steps, pace_.minutes(), config().validation.select,
      selection_.best());
  run_.folder().write_results(summary);
  print_result("{}", summary);
  return exit_done;
}

// Setup, validation and checkpoints.

Training::Training(const RunOptions& options, const MethodDefinition& definition, const TrainingSets& sets,
                   std::optional<Checkpoint> given)
    : options_(options),
      definition_(definition),
      learner_(*network_config(options.config, needs_), options.config.optim,
               {options.config.train.device, options.config.train.precision, options.config.train.graph,
                options.config.train.seed, starts_anew(options) ? options.config.train.init : ""}),
      data_(open_data(sets, options.config, needs_, learner_)),
      method_(definition.make(options.config, learner_.network())),
      run_((check_initial_rate(learner_, data_.identity, options), options.output)),
      selection_(options.config.validation.select, options.config.train.patience, options.config.optim.lr,
                 options.config.optim),
      position_(begin_or_resume(std::move(given))),
      pace_(options.config, position_.minutes),
      steps_(options.config, needs_.mean_loss) {
  watch_stop_signals();
}

Position Training::begin_or_resume(std::optional<Checkpoint> given) {
  const Config& c = config();
  const bool automatic = options_.resume == "auto";
  const std::optional<Checkpoint> checkpoint = automatic ? find_latest(options_.output) : std::move(given);
  const bool own = checkpoint && belongs_to(*checkpoint, options_.output);
  run_.open_log(automatic || own);
  Log& log = run_.log();
  const Validator& validation = *data_.validation;
  log.info(
      "sunder-train-{} {}: {} training mixtures of {:.2f} s, {} validation mixtures{}; {} parameters, {}, {} threads",
      definition_.name, version(), data_.training->size(),
      static_cast<double>(data_.training->segment_samples()) / validation.sample_rate(), validation.size(),
      validation.has_sources() ? "" : " without clean sources", learner_.parameters().count(), c.train.precision,
      num_threads());
  log.info("SIMD level {}, OpenBLAS core {}", simd_level(), blas::core_name());
  for (const std::string& note : data_.notes) log.info("{}: {}", c.data.set, note);
  Position position;
  if (checkpoint) {
    restore({learner_, position, selection_, *method_, data_.identity}, *checkpoint, options_, definition_.name, log);
    if (own) {
      for (const std::string& line : rewind_checkpoints(options_.output, *checkpoint)) log.warn("{}", line);
      saved_step_ = position.steps;
    }
    if (!checkpoint->note.empty()) log.warn("{}", checkpoint->note);
    log.info("resumed from {} (step {}, epoch {})", checkpoint->path.string(), position.steps, position.epoch);
  } else if (!c.train.init.empty()) {
    log.info("initial weights from {}", c.train.init);
  }
  run_.begin(c, position, {expected_steps(c, needs_, *data_.training), c.train.max_minutes}, learner_.stream().device);
  return position;
}

bool Training::validate(const Task& task) {
  run_.progress().finish();
  ValidationLoss loss;
  if (needs_.spectra)
    loss = [&](const Batch& batch) {
      const NoGrad no_grad;
      std::vector<Tensor> inputs;
      for (const Tensor& input : task.inputs({&batch, 1}, position_)) inputs.push_back(input.to(learner_.stream()));
      return task.step.loss(inputs).value().item();
    };
  const bool blind = config().validation.select == "blind";
  const auto scores = data_.validation->run(learner_.network(), position_.epoch, blind, loss);
  if (!scores) return false;
  const double mean_loss = position_.mean_loss();
  const Selection::Verdict verdict =
      selection_.rank({mean_loss, scores->si_snri, scores->oracle, scores->blind, scores->loss});
  if (verdict.lowered) {
    learner_.adam().set_learning_rate(selection_.learning_rate());
    run_.log().info("no better score in {} validations: the learning rate is now {:.3g}",
                    config().optim.plateau_patience + 1, selection_.learning_rate());
  }
  describe(*scores, verdict.is_best);
  if (task.failures.defined()) {
    if (const auto failed = static_cast<int64_t>(task.failures.item()); failed > 0)
      run_.log().warn(
          "{} FCP filters could not be solved since the last validation (silent or linearly dependent signals)",
          failed);
    task.failures.zero();
  }
  run_.report().validation({position_.steps, position_.epoch, pace_.minutes()}, mean_loss, *scores,
                           Report::Standing{verdict.is_best, selection_.learning_rate(), task.name});
  if (verdict.is_best) run_.report().example(position_.steps, data_.validation->example(learner_.network()));
  pace_.validated();
  position_.validated_step = position_.steps;
  save(verdict.is_best);
  return true;
}

void Training::describe(const ValidationScores& scores, bool is_best) {
  Log& log = run_.log();
  const auto shown = [](const char* format, const std::optional<double>& score) {
    return score ? fmt::format(fmt::runtime(format), *score) : "";
  };
  log.info(
      "epoch {} step {} minutes {:.2f}: training loss {:.3f}{}{}{}{}, weaker output {:.1f} dB below the stronger{}",
      position_.epoch, position_.steps, pace_.minutes(), position_.mean_loss(),
      shown(", validation loss {:.4f}", scores.loss), shown(", validation SI-SNRi {:.2f} dB", scores.si_snri),
      shown(" (oracle {:.2f})", scores.oracle), shown(", blind {:.2f} dB", scores.blind), -scores.weaker_to_stronger_db,
      is_best ? ", best" : "");
  if (!scores.unscored.empty()) log.warn("{}: {}", config().data.set, scores.unscored);
  if (scores.weaker_to_stronger_db < collapse_warning_db)
    log.warn(
        "the weaker output is {:.1f} dB below the stronger: the network may be collapsing to the mixture and silence, "
        "which no score without references shows",
        -scores.weaker_to_stronger_db);
  if (selection_.out_of_patience()) log.info("no better score in {} validations: early stopping", selection_.waited());
}

void Training::save(bool is_best) {
  steps_.take_results(learner_.runner(), /*wait=*/true, run_, position_, pace_.minutes());
  position_.minutes = pace_.minutes();
  const auto data = checkpoint_data(state(), config(), definition_.name);
  save_checkpoint(options_.output, position_.steps, data, is_best);
  saved_step_ = position_.steps;
  pace_.saved();
}

// The epoch counts as unfinished even after its last batch, so that the resumed run validates at its end.
void Training::save_stopped() {
  ended_ = true;
  position_.inside_epoch = position_.epoch >= 0;
  if (saved_step_ != position_.steps) save(/*is_best=*/false);
}

}  // namespace

int train(const RunOptions& options, const MethodDefinition& method) {
  std::optional<Checkpoint> given;
  if (options.resume != "none" && options.resume != "auto") given = find_checkpoint(options.resume);
  set_num_threads(options.config.train.threads);
  RunOptions completed = options;
  const TrainingSets sets = open_sets(completed.config, method);
  return Training(completed, method, sets, std::move(given)).run();
}

}  // namespace sunder
