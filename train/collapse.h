// The collapse monitor: MixCycle trains on its own estimates, and the mixture in one output with silence in the other
// is a fixed point of that, which no loss and no score without references shows.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>

namespace sunder {

// A warning is due where the ratio of the weaker to the stronger output has fallen by more than this, dB, since the
// last validation of the phase before; and below collapse_warning_db (train/validation.h). Between validations of runs
// that do not collapse it changes by 1 to 3 dB.
inline constexpr double collapse_fall_db = 6;
inline constexpr int64_t collapse_items = 16;  // validation mixtures that are enough to see it

class CollapseMonitor {
 public:
  // Whether the outputs' levels are measured after this step of a new phase (1 is its first): soon, and then less and
  // less often, as validations take over.
  static bool due(int64_t step_of_phase);

  // The ratio at a validation before the phase begins.
  void set_before(double ratio_db) { before_db_ = ratio_db; }
  // The warning that this ratio deserves, or "". in_new_phase: whether to compare it with the one before.
  std::string warning(double ratio_db, bool in_new_phase) const;

 private:
  double before_db_ = NAN;
};

}  // namespace sunder
