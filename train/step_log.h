// Steps whose losses are pending, and the reports of losses that have arrived.
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

  // Records that step `position.steps` was queued; `waited`: seconds spent waiting for its batches.
  void add(const Position& position, double waited, std::vector<Batch> batches);
  // Reports progress and metrics of the steps whose losses have arrived (`wait`: of all) and adds the losses to the
  // epoch's. `minutes`: of training so far. Throws DivergedError after train.nonfinite_patience consecutive steps
  // without an update; the last batch is then in diverged-batch.safetensors of the run folder.
  void take_results(StepRunner& runner, bool wait, Run& run, Position& position, double minutes);

 private:
  struct Pending {
    int64_t step, epoch;
    double waited;
    std::vector<Batch> batches;  // dumped if the run diverges
  };
  struct Row {  // of metrics.jsonl
    Report::Moment moment;
    double loss, norm;
  };
  void check_finite(const Pending& step, const StepResult& result, double per_input, Run& run) const;

  const Config& config_;
  const bool mean_loss_;
  std::deque<Pending> pending_;
  std::deque<Row> rows_;  // to be written
  std::chrono::steady_clock::time_point last_metrics_ = std::chrono::steady_clock::now();
};

}  // namespace sunder
