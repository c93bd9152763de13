// The steps whose losses have not arrived, and what becomes of a loss when it does.
#pragma once

#include <chrono>
#include <deque>

#include "train/learner.h"
#include "train/method.h"
#include "train/run.h"

namespace sunder {

class StepLog {
 public:
  StepLog(const Config& config, bool mean_loss) : config_(config), mean_loss_(mean_loss) {}

  // A step was queued after `position.steps` - 1 others; `waited`: seconds, for its batches.
  void add(const Position& position, double waited, std::vector<Batch> batches);
  // `minutes`: of training so far. Writes progress and metrics of the steps whose losses have arrived, `wait`: of all,
  // and adds these to the epoch's. Throws DivergedError after train.nonfinite_patience steps in a row without an
  // update; the last batch is then in diverged-batch.safetensors of the run folder.
  void take_results(StepRunner& runner, bool wait, Run& run, Position& position, double minutes);

 private:
  struct Pending {
    int64_t step, epoch;
    double waited;
    std::vector<Batch> batches;  // dumped if the run diverges
  };
  void check_finite(const Pending& step, const StepResult& result, double per_input, Run& run) const;

  const Config& config_;
  const bool mean_loss_;
  std::deque<Pending> pending_;
  std::chrono::steady_clock::time_point last_metrics_ = std::chrono::steady_clock::now();
};

}  // namespace sunder
