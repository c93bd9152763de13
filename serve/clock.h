// Time as requests, recordings and connections count it.
#pragma once

#include <chrono>

namespace sunder::serve {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// So long in the clock's own ticks.
inline Clock::duration ticks_of(double seconds) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

}  // namespace sunder::serve
