#include "train/collapse.h"

#include <fmt/format.h>

#include "train/validation.h"

namespace sunder {

bool CollapseMonitor::due(int64_t step_of_phase) {
  const bool is_power_of_two = step_of_phase > 0 && (step_of_phase & (step_of_phase - 1)) == 0;
  return is_power_of_two && step_of_phase >= 32 && step_of_phase <= 1024;
}

std::string CollapseMonitor::warning(double ratio_db, bool in_new_phase) const {
  if (ratio_db < collapse_warning_db)
    return fmt::format(
        "the weaker output is {:.1f} dB below the stronger: the network may be collapsing to the mixture and silence, "
        "which no score without references shows",
        -ratio_db);
  if (in_new_phase && before_db_ - ratio_db > collapse_fall_db)
    return fmt::format(
        "the weaker output is {:.1f} dB below the stronger, {:.1f} dB before the switch: the network may be collapsing "
        "to the mixture and silence; a lower optim.lr or more MixPIT before the switch may avoid it",
        -ratio_db, -before_db_);
  return "";
}

}  // namespace sunder
