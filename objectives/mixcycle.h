// MixCycle (arXiv 2202.03875, Fig. 3): the teacher's estimates, re-mixed across neighbouring items, are the student's
// targets and input. Teacher and student are the same network. The student's loss is pit_loss against the targets.
#pragma once

#include "files/settings.h"
#include "tensor/ops/remix.h"

namespace sunder {

struct MixCycleConfig {
  int64_t init_epochs = 50;
  double init_fraction = 0;
  bool restart_adam = true;
};
Fields fields(MixCycleConfig& config);

// (items) int64: 1 with probability 1/2, where a mixture's two estimates are swapped. Depends on the arguments only.
Tensor swap_flags(uint64_t seed, int64_t epoch, int64_t step, int64_t items);

// The order after swapping within the mixtures and then exchanging the first estimates of items 2k and 2k + 1: (B, 2),
// indices of rows of the teacher's (B * 2, L). swap: (B) int64 on the CPU, 0 or 1. Throws Error for an odd B.
Tensor exchange_order(const Tensor& swap);

// teacher: (B, 2, L), values without a gradient; order: from exchange_order, on the teacher's device -> targets (B, 2,
// L) in that order, and their sums, mixtures (B, L). Throws Error for other shapes.
Remixed remix_estimates(const Tensor& teacher, const Tensor& order);

}  // namespace sunder
