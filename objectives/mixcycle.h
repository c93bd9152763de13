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
// The same for S sources: (items, S) int64, a random order of each mixture's estimates; for two as swap_flags says.
Tensor estimate_orders(uint64_t seed, int64_t epoch, int64_t step, int64_t items, int64_t sources);

// The order after shuffling within the mixtures and then exchanging between neighbours: (B, S), indices of rows of the
// teacher's (B * S, L). Of two estimates the first ones of items 2k and 2k + 1 change places. Of S, which the paper
// does not have, mixture i of S neighbours takes estimate s of neighbour (i + 1 + s) mod S: one of each. shuffled: (B,
// S) from estimate_orders, or (B) flags for two, on the CPU. Throws Error where S does not divide B.
Tensor exchange_order(const Tensor& shuffled);

// teacher: (B, S, L), values without a gradient; order: from exchange_order, on the teacher's device -> targets (B, S,
// L) in that order, and their sums, mixtures (B, L). Throws Error for other shapes.
Remixed remix_estimates(const Tensor& teacher, const Tensor& order);

}  // namespace sunder
