#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

struct Remixed {
  Tensor targets;   // (B, S, L)
  Tensor mixtures;  // (B, L), the sum of the item's targets
};

// Builds new mixtures from signals: targets[b, s] = signals[order[b, s]], mixtures[b] = sum over s. Used for MixCycle's
// artificial mixtures, MixIT's and MixPIT's pairs of mixtures, and dynamic mixing. No gradient. signals: (N, L),
// float32 or float64; order: (B, S) int64 in [0, N); rows may be used any number of times. Throws Error for other
// shapes or dtypes, and on the CPU for an index out of range.
Remixed remix(const Tensor& signals, const Tensor& order);

SUNDER_KERNEL(remix, const Tensor& signals, const Tensor& order, Remixed& result)

}  // namespace sunder
