// Setup, validations and checkpoints of a training run.
#include "train/training.h"

#include <cmath>

#include "command/signals.h"
#include "files/plain_message.h"
#include "tensor/blas.h"
#include "tensor/parallel.h"
#include "tensor/simd.h"
#include "train/diagnosis.h"

namespace sunder {
namespace {

bool starts_anew(const RunOptions& options) {
  return options.resume == "none" || (options.resume == "auto" && !has_checkpoints(options.output));
}

std::string in_words(const ValidationScores& scores) {
  const auto shown = [](const char* format, const std::optional<double>& score) {
    return score ? fmt::format(fmt::runtime(format), *score) : "";
  };
  return shown(", validation loss {:.4f}", scores.loss) + shown(", validation SI-SNRi {:.2f} dB", scores.si_snri) +
         shown(" (oracle {:.2f})", scores.oracle) + shown(", blind {:.2f} dB", scores.blind);
}

}  // namespace

Training::Training(const RunOptions& options, const MethodDefinition& definition, const TrainingSets& sets,
                   std::optional<Checkpoint> given, Communicator& ranks)
    : options_(options),
      ranks_(ranks),
      definition_(definition),
      learner_(*network_config(options.config, needs_), options.config.optim,
               {options.config.train.device, options.config.train.precision, options.config.train.graph,
                options.config.train.seed, starts_anew(options) ? options.config.train.init : "",
                options.config.train.init_partial}),
      data_(open_data(sets, options.config, needs_, learner_, ranks)),
      method_(definition.make(options.config, learner_.network())),
      schedule_(options.config.optim, expected_steps(options.config, needs_, *data_.training),
                options.config.train.max_minutes),
      run_((check_initial_rate(learner_, data_.identity, options), compare_with_others(), options.output),
           ranks.rank()),
      selection_(options.config.validation.select, options.config.train.patience, options.config.optim.lr,
                 options.config.optim),
      position_(begin_or_resume(std::move(given))),
      pace_(options.config, position_.minutes),
      steps_(options.config, needs_.mean_loss) {
  learner_.runner().accumulate(config().train.accumulate, needs_.mean_loss);
  watch_stop_signals();
  if (ranks_.size() > 1) learner_.runner().share(ranks_, needs_.mean_loss);
}

// Before anything is written.
void Training::compare_with_others() {
  if (ranks_.size() > 1)
    compare_ranks(ranks_, rank_facts(config(), definition_.name, data_.identity, learner_.parameters()));
}

Position Training::begin_or_resume(std::optional<Checkpoint> given) {
  const Config& c = config();
  const bool automatic = options_.resume == "auto";
  std::optional<Checkpoint> checkpoint = std::move(given);
  if (ranks_.is_root() && automatic) checkpoint = find_latest(options_.output);
  const std::string path = ranks_.broadcast(checkpoint ? checkpoint->path.string() : "");
  if (!ranks_.is_root()) checkpoint = path.empty() ? std::nullopt : std::optional(load_checkpoint(path));
  const bool own = ranks_.is_root() && checkpoint && belongs_to(*checkpoint, options_.output);
  run_.open_log(automatic || own);
  Log& log = run_.log();
  const Validator& validation = *data_.validation;
  log.info(
      "sunder-train-{} {}: {} training mixtures of {:.2f} s, {} validation mixtures{}; {} parameters, {}, {} threads",
      definition_.name, version(), data_.training->size(),
      static_cast<double>(data_.training->segment_samples()) / validation.sample_rate(), validation.size(),
      validation.has_sources() ? "" : " without clean sources", learner_.parameters().count(), c.train.precision,
      num_threads());
  if (!needs_.warning.empty()) log.warn("{}", needs_.warning);
  if (ranks_.size() > 1)
    log.info("{}: a step is {} inputs of each", ranks_.description(), c.train.batch / ranks_.size());
  log.info("SIMD level {}, OpenBLAS core {}", simd_level(), blas::core_name());
  for (const std::string& note : data_.notes) log.info("{}: {}", c.data.set, note);
  Position position;
  if (checkpoint) {
    restore({learner_, position, selection_, schedule_, *method_, data_.identity}, *checkpoint, options_,
            definition_.name, log);
    if (own) {
      for (const std::string& line : rewind_checkpoints(options_.output, *checkpoint)) log.warn("{}", line);
      saved_step_ = position.steps;
    }
    if (!checkpoint->note.empty()) log.warn("{}", checkpoint->note);
    log.info("resumed from {} (step {}, epoch {})", checkpoint->path.string(), position.steps, position.epoch);
  }
  for (const std::string& note : learner_.notes()) log.info("{}", note);
  if (c.optim.ema > 0)
    log.info("optim.ema = {}: model files hold averaged weights, whose score decides which checkpoint is best",
             c.optim.ema);
  if (ranks_.size() > 1)
    compare_ranks(ranks_, {{"the step", std::to_string(position.steps)},
                           {"the digest of the resumed weights", weights_digest(learner_.parameters())}});
  run_.begin(c, position, {expected_steps(c, needs_, *data_.training), c.train.max_minutes}, learner_.stream().device);
  return position;
}

double Training::learning_rate() {
  return selection_.learning_rate() * schedule_.factor(position_.steps, pace_.minutes());
}

// A validation that fails has not happened: the resumed run makes it again.
bool Training::validate() {
  const Selection before = selection_;
  const int64_t validated_step = position_.validated_step;
  try {
    return validate_once();
  } catch (...) {
    selection_ = before;
    position_.validated_step = validated_step;
    throw;
  }
}

// Where the method has one.
ValidationLoss Training::validation_loss(const Task& task) {
  if (!needs_.spectra) return {};
  return [&](const Batch& batch) {
    const NoGrad no_grad;
    std::vector<Tensor> inputs;
    for (const Tensor& input : task.inputs({&batch, 1}, position_)) inputs.push_back(input.to(learner_.stream()));
    return task.step.loss(inputs).value().item();
  };
}

bool Training::validate_once() {
  const Task& task = method_->task();
  run_.progress().finish();
  const ValidationLoss loss = validation_loss(task);
  const bool blind = config().validation.select == "blind";
  const auto score = [&] {
    auto scores = data_.validation->run(learner_.network(), position_.epoch, blind, loss);
    meet();
    return scores;
  };
  const auto scores = score();
  if (!scores) return false;
  std::optional<ValidationScores> averaged;
  if (learner_.adam().average().defined()) {
    const AveragedWeights scope(learner_.parameters(), learner_.adam());
    averaged = score();
    if (!averaged) return false;
  }
  if (method_->steps_of_phase(position_) == 0) collapse_.set_before(scores->weaker_to_stronger_db);
  const double mean_loss = position_.mean_loss();
  const ValidationScores& chosen = averaged ? *averaged : *scores;
  const Selection::Verdict verdict =
      selection_.rank({mean_loss, chosen.si_snri, chosen.oracle, chosen.blind, chosen.loss});
  if (verdict.lowered) {
    run_.log().info("no better score in {} validations: the learning rate is now {:.3g}",
                    config().optim.plateau_patience + 1, selection_.learning_rate());
  }
  describe(*scores, averaged, verdict.is_best);
  if (task.failures.defined()) {
    if (const auto failed = sum_over(ranks_, static_cast<int64_t>(task.failures.item())); failed > 0 && run_.writes())
      run_.log().warn(
          "{} FCP filters could not be solved since the last validation (silent or linearly dependent signals)",
          failed);
    task.failures.zero();
  }
  if (run_.writes())
    run_.report().validation({position_.steps, position_.epoch, pace_.minutes()}, mean_loss, *scores,
                             Report::Standing{verdict.is_best, learning_rate(), task.name, averaged});
  if (run_.writes() && verdict.is_best) {
    std::optional<AveragedWeights> scope;
    if (averaged) scope.emplace(learner_.parameters(), learner_.adam());
    run_.report().example(position_.steps, data_.validation->example(learner_.network()));
  }
  pace_.validated();
  position_.validated_step = position_.steps;
  save(verdict.is_best);
  return true;
}

void Training::describe(const ValidationScores& scores, const std::optional<ValidationScores>& averaged, bool is_best) {
  Log& log = run_.log();
  const double active = data_.training->active_share();
  if (std::isfinite(active)) log.info("{:.0f} % of the training segments are active", 100 * active);
  log.info("epoch {} step {} minutes {:.2f}: training loss {:.3f}{}, weaker output {:.1f} dB below the stronger{}",
           position_.epoch, position_.steps, pace_.minutes(), position_.mean_loss(), in_words(scores),
           -scores.weaker_to_stronger_db, is_best && !averaged ? ", best" : "");
  if (averaged) log.info("averaged weights{}{}", in_words(*averaged), is_best ? ", best" : "");
  log.info("{}; docs/rooms.md explains this state", diagnose(scores).sentence);
  if (!scores.unscored.empty()) log.warn("{}: {}", config().data.set, scores.unscored);
  const std::string warning = collapse_.warning(scores.weaker_to_stronger_db, method_->steps_of_phase(position_) > 0);
  if (!warning.empty()) log.warn("{}", warning);
  if (selection_.out_of_patience()) log.info("no better score in {} validations: early stopping", selection_.waited());
}

void Training::take_results(bool wait) {
  steps_.take_results(learner_.runner(), wait, run_, position_, pace_.minutes());
}

void Training::save(bool is_best) {
  take_results(/*wait=*/true);
  position_.minutes = pace_.minutes();
  if (run_.writes()) {
    const auto data = checkpoint_data(state(), config(), definition_.name);
    save_checkpoint(options_.output, position_.steps, data, is_best);
  }
  saved_step_ = position_.steps;
  pace_.saved();
}

// The epoch counts as unfinished even after its last batch, so that the resumed run validates at its end.
void Training::save_stopped() {
  ended_ = true;
  position_.inside_epoch = position_.epoch >= 0;
  if (saved_step_ != position_.steps) save(/*is_best=*/false);
}

// What was learned before an error (a file that is gone, no memory left) is not lost to it.
void Training::save_after_failure() {
  try {
    run_.progress().finish();
    if (position_.steps == 0 || !run_.writes()) return;
    if (!learner_.runner().weights_are_whole()) throw_error("the error came in the middle of an update");
    save_stopped();
    run_.log().warn("an error ends the run after step {}; the checkpoint is in {}; resume with --resume auto",
                    position_.steps, (options_.output / "checkpoints" / "last").string());
  } catch (const std::exception& error) {  // the first error is the one to report
    run_.log().warn("an error ends the run after step {}; its checkpoint could not be saved: {}", position_.steps,
                    plain_message(error));
  }
}

}  // namespace sunder
