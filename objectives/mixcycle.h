// MixCycle (arXiv 2202.03875, Fig. 3): the network's own estimates, re-mixed across neighbouring items, are targets and
// input of the next step. The student's loss is pit_loss against the targets.
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

// For each of `items` mixtures 1 with probability 1/2: its two estimates change places. (items) int64, a function of
// the arguments alone.
Tensor swap_flags(uint64_t seed, int64_t epoch, int64_t step, int64_t items);

// What comes of swapping inside the mixtures and then exchanging the first estimates of items 2k and 2k + 1: (B, 2),
// which row of the teacher's (B * 2, L) stands where. swap: (B) int64 on the CPU, 0 or 1. Throws Error for an odd B.
Tensor exchange_order(const Tensor& swap);

// teacher: (B, 2, L), values without a gradient; order: of exchange_order, on the teacher's device -> targets (B, 2, L)
// in that order, mixtures (B, L), their sums. Throws Error for other shapes.
Remixed remix_estimates(const Tensor& teacher, const Tensor& order);

}  // namespace sunder
