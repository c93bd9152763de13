// Sums in a fixed order. Also the second stage of reductions: a kernel writes one partial sum per block, and sum_over
// adds them.
#pragma once

#include <cstdint>

#include "tensor/device.h"

namespace sunder::cuda {

// Sums x (outer, count, inner) over `count` into sums (outer, inner). Accumulates in float64 and rounds once; the order
// depends on the shape alone. In and Out: bfloat16 to float, float or double to either.
template <class In, class Out>
void sum_over(const In* x, int64_t outer, int64_t count, int64_t inner, Out* sums, Stream stream);

}  // namespace sunder::cuda
