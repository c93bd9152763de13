#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// Sums over a set of axes (torch.sum). Neighbouring axes are summed in float64 and rounded once; separate groups of
// axes are summed one after the other, the last first. The order of terms depends on the shape alone. x: any shape;
// float32, float64, complex64, complex128; axes: negative ones count from the last, no axes: all. Returns x's shape
// without these axes, or with size 1 there (keepdim). A sum of nothing is 0. Throws Error for an axis out of range or
// named twice.
Tensor sum(const Tensor& x, const std::vector<int>& axes = {}, bool keepdim = false);

// Sums x over the axes along which a tensor of `shape` was broadcast to x's shape (tensor/broadcast.h): the gradient of
// broadcasting. Returns a tensor of `shape`; x itself if nothing was broadcast.
Tensor sum_to(const Tensor& x, const Shape& shape);

// x: (outer, count, inner) summed over `count` into (outer, inner), both contiguous; a view in any other shape.
SUNDER_KERNEL(sum_middle, const Tensor& x, int64_t outer, int64_t count, int64_t inner, Tensor& result)

}  // namespace sunder
