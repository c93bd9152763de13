// The sample rates that sound has.
#pragma once

#include <cstdint>
#include <string>

#include "tensor/error.h"

namespace sunder {

// Hz. Below, a recording of seconds would become gigabytes at a usual rate; no converter samples faster.
inline constexpr int lowest_sample_rate = 1000, highest_sample_rate = 768000;

inline bool is_sample_rate(int64_t rate) { return rate >= lowest_sample_rate && rate <= highest_sample_rate; }

// Throws E, "<where>: expected a sample rate from 1000 to 768000 Hz, got ...". `where` names the file or key.
template <class E = InputError>
void check_sample_rate(const std::string& where, int64_t rate) {
  if (!is_sample_rate(rate))
    throw_error<E>("{}: expected a sample rate from {} to {} Hz, got {}", where, lowest_sample_rate,
                   highest_sample_rate, rate);
}

}  // namespace sunder
