// The learning rate as a function of the step: a linear warm-up, a constant rate (which plateaus may lower,
// train/selection.h), and a decay to zero over the last share of the run; or one cycle.
#pragma once

#include <string>

#include "files/settings.h"

namespace sunder {

struct ScheduleConfig {
  int64_t warmup_steps = 0;
  std::string decay = "none";
  double decay_share = 0.2;  // of the run
};
Fields fields(ScheduleConfig& config);

// Of a run that time alone ends: the pace must be known before the rate falls.
inline constexpr double most_decay_share_of_minutes = 0.95;

class Schedule {
 public:
  // most_steps, most_minutes: where the run ends; 0: no such limit. Throws UsageError for a warm-up that lasts longer.
  Schedule(const ScheduleConfig& config, int64_t most_steps, double most_minutes);

  // The factor of the learning rate of the step after `steps` steps and `minutes` minutes. A decay that minutes limit
  // is planned once, at its beginning: as many steps as the pace so far foresees, so that a run resumed in the decay
  // repeats it to the bit. A resumed run that is to last longer returns to the constant rate; one cycle is stretched.
  double factor(int64_t steps, double minutes);
  // Whether the foreseen steps are done: the rate is zero, and the run ends before its last minute.
  bool is_over(int64_t steps) const { return begin_ >= 0 && end_ != most_steps_ && steps >= end_; }

  // Its state in a checkpoint.
  Fields state();

 private:
  ScheduleConfig config_;
  int64_t most_steps_;
  double most_minutes_;
  int64_t begin_ = -1, end_ = -1;  // steps; -1 before the decay
};

// The factor of step `step` (from 0) of `steps`: from 1 / 25 up to 1 over the first 30 %, then down to 1 / 250,000,
// both as cosines (Smith and Topin, 2018; torch.optim.lr_scheduler.OneCycleLR with its defaults, momentum left as it
// is).
double one_cycle(int64_t step, int64_t steps);

}  // namespace sunder
