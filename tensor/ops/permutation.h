// The permutations that pit_snr and pit_ri_mag search, on both devices.
#pragma once

#include <cstdint>

#include "tensor/host_device.h"

namespace sunder {

inline int permutation_count(int64_t sources) {
  int count = 1;
  for (int64_t s = 2; s <= sources; ++s) count *= static_cast<int>(s);
  return count;
}

// Permutation number `index`, four bits per reference. Permutations stand in ascending order of S - 1 - permutation[s];
// `left` holds the values of that expression which are not used yet, in ascending order.
SUNDER_HOST_DEVICE unsigned permutation_at(int index, int sources, int permutations) {
  unsigned left = 0x543210, result = 0;
  for (int s = 0, step = permutations; s < sources; ++s) {
    step /= sources - s;
    const int digit = index / step;
    index -= digit * step;
    const unsigned below = (1u << 4 * digit) - 1, value = left >> 4 * digit & 15;
    left = (left & below) | (left >> 4 & ~below);
    result |= (sources - 1 - value) << 4 * s;
  }
  return result;
}

// The estimate that a permutation assigns to reference s.
SUNDER_HOST_DEVICE int permuted(unsigned permutation, int s) { return permutation >> 4 * s & 15; }

struct PermutationChoice {
  double cost = 0;  // sum over the references
  int index = 0;
  unsigned permutation = 0;
};

// The permutation with the smallest sum over an S x S matrix [reference][estimate]; the first of equals, and the very
// first where a NaN makes every sum NaN.
inline PermutationChoice best_permutation(const double* cost, int sources) {
  const int permutations = permutation_count(sources);
  PermutationChoice best;
  for (int index = 0; index < permutations; ++index) {
    const unsigned permutation = permutation_at(index, sources, permutations);
    double sum = 0;
    for (int s = 0; s < sources; ++s) sum += cost[s * sources + permuted(permutation, s)];
    if (index == 0 || sum < best.cost) best = {sum, index, permutation};
  }
  return best;
}

}  // namespace sunder
