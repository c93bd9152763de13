// A training run in progress: what the loop in train/train.cpp works with.
#pragma once

#include "train/collapse.h"
#include "train/dry_run.h"
#include "train/pace.h"
#include "train/ranks.h"
#include "train/resume.h"
#include "train/setup.h"
#include "train/step_log.h"
#include "train/task_notes.h"

namespace sunder {

class Training {
 public:
  // Opens everything and begins the run, or resumes it. `given`: the checkpoint of --resume, if it names one.
  // All ranks do the same and call it alike; rank 0 alone writes into the run's folder.
  Training(const RunOptions& options, const MethodDefinition& definition, const TrainingSets& sets,
           std::optional<Checkpoint> given, Communicator& ranks);
  // Returns the exit code.
  int run();
  // Tries everything once instead; none after a signal. The run cannot go on from there. Throws Error where a
  // checkpoint does not give back what was saved, and what a run throws.
  std::optional<Rehearsal> rehearse();

 private:
  struct Fetched {
    std::vector<Batch> batches;
    double waited = 0;  // seconds
  };

  const Config& config() const { return options_.config; }
  TrainingState state() { return {learner_, position_, selection_, schedule_, *method_, data_.identity}; }
  double learning_rate();  // of the next step
  void meet();             // with the other ranks
  bool stopping() const;   // a signal asks the run to stop
  void compare_with_others();
  Position begin_or_resume(std::optional<Checkpoint> given);
  bool next_epoch();
  void begin_phase_if_due();
  bool next_batches(Fetched& fetched);
  std::vector<Tensor> step_inputs(const Task& task, std::span<const Batch> batches) const;
  void announce(const Task& task, const std::vector<Tensor>& inputs);  // before a step
  void step(Fetched fetched);
  void watch_for_collapse();
  void end_epoch();
  bool validate();  // and save; false if a signal came first
  bool validate_once();
  ValidationLoss validation_loss(const Task& task);
  void describe(const ValidationScores& scores, const std::optional<ValidationScores>& averaged, bool is_best);
  void take_results(bool wait);
  void save(bool is_best);
  void save_stopped();
  void save_after_failure();
  int finish();
  Rehearsal::Phase rehearse_steps();
  void rehearse_checkpoint(Rehearsal& rehearsal);

  const RunOptions& options_;
  Communicator& ranks_;
  const MethodDefinition& definition_;
  const MethodNeeds needs_ = definition_.needs(config());
  Learner learner_;
  const TrainingData data_;
  const std::unique_ptr<Method> method_;
  Schedule schedule_;
  Run run_;
  Selection selection_;
  int64_t saved_step_ = -1;
  Position position_;
  Pace pace_;
  StepLog steps_;
  TaskNotes notes_;
  CollapseMonitor collapse_;
  std::string signal_;  // that asks several ranks to stop; empty: none
  bool ended_ = false;  // no more steps: out of time, or a signal
};

}  // namespace sunder
