// Progress of work that is over in minutes: one line on stderr.
#pragma once

#include <string>

#include "audio/progress.h"

namespace sunder {

// Silent for two seconds; then "what: done of total, rate, time left", rewritten every second on a terminal and added
// every ten seconds elsewhere. `unit` follows the numbers, e.g. " s".
Progress progress_line(const std::string& what, const std::string& unit = "");

}  // namespace sunder
