// MixCycle (arXiv 2202.03875, Fig. 3): the network's own estimates, re-mixed across neighbouring items, are targets and input of
// the next step. The student's loss is pit_loss against the targets.
#pragma once

#include "tensor/ops/remix.h"

namespace sunder {

// For each of `items` mixtures 1 with probability 1/2: its two estimates change places. (items) int64, a function of
// the arguments alone.
Tensor swap_flags(uint64_t seed, int64_t epoch, int64_t step, int64_t items);

// Swaps inside the mixtures, then exchanges the first estimates of items 2k and 2k + 1; artificial mixtures are sums.
// teacher: (B, 2, L), values without a gradient; swap: (B) int64 on the CPU, 0 or 1 -> targets (B, 2, L), mixtures (B,
// L). Throws Error for an odd B and other shapes.
Remixed remix_estimates(const Tensor& teacher, const Tensor& swap);

}  // namespace sunder
