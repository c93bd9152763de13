// Sums in a fixed order, also the second stage of reductions: kernels write one partial sum a block, and this adds
// them.
#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace sunder::cuda {

// x: (outer, count, inner) summed over `count` into sums: (outer, inner), in float64, rounded once. The order depends
// on the shape alone. From bfloat16 to float, from float and double to either. Defined in tensor/ops/sum.cu.
template <class In, class Out>
void sum_over(const In* x, int64_t outer, int64_t count, int64_t inner, Out* sums, Stream stream);

}  // namespace sunder::cuda
