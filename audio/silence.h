// Digital silence.
#pragma once

#include <algorithm>
#include <ranges>

namespace sunder {

// Whether every sample is exactly zero; true for a signal without samples.
template <std::ranges::input_range Signal>
bool is_silent(const Signal& signal) {
  return std::ranges::all_of(signal, [](auto sample) { return sample == 0; });
}

}  // namespace sunder
