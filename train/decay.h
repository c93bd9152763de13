// The decay of the learning rate at the end of a run: constant at first, then down to zero over the last share of the
// run, as a function of the step alone.
#pragma once

#include <string>

#include "files/settings.h"

namespace sunder {

struct DecayConfig {
  std::string decay = "none";
  double decay_share = 0.2;  // of the run
};
Fields fields(DecayConfig& config);

class Decay {
 public:
  // most_steps, most_minutes: where the run ends; 0: no such limit.
  Decay(const DecayConfig& config, int64_t most_steps, double most_minutes)
      : config_(config), most_steps_(most_steps), most_minutes_(most_minutes) {}

  // The factor of the learning rate for the step after `steps`. Where the run's end is a number of steps, it is a
  // function of them. Where the minutes end it, the decay begins in time and then takes the steps that the run's pace
  // so far foresees, so that a run resumed in the decay repeats it to the bit. A resumed run that is to last longer
  // returns to the constant rate.
  double factor(int64_t steps, double minutes);
  // Whether the foreseen steps are done: the rate is zero, and the run ends before its last minute.
  bool is_over(int64_t steps) const { return begin_ >= 0 && end_ != most_steps_ && steps >= end_; }

  // Its state in a checkpoint.
  Fields state();

 private:
  DecayConfig config_;
  int64_t most_steps_;
  double most_minutes_;
  int64_t begin_ = -1, end_ = -1;  // steps; -1 before the decay
};

}  // namespace sunder
