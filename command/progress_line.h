// Progress of work that takes minutes: one line on stderr.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace sunder {

// Silent for the first seconds; then "what: done of total, rate, time left", rewritten every second on a terminal and
// printed every ten seconds elsewhere. `unit` follows the numbers, e.g. " s".
std::function<void(int64_t done, int64_t total)> progress_line(const std::string& what, const std::string& unit = "",
                                                               double silent_seconds = 2);

}  // namespace sunder
