#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// Indices [begin, end) of one axis (torch.narrow), a copy (Tensor::slice gives a view along the first axis).
// x: any shape and dtype; axis: negative ones count from the last. Throws Error for a range outside the axis.
Tensor slice_axis(const Tensor& x, int axis, int64_t begin, int64_t end);

// dx: zeros of `shape` with dy at [begin, begin + its size).
Tensor slice_axis_backward(const Tensor& grad_y, const Shape& shape, int axis, int64_t begin);

// axis is not negative here.
SUNDER_KERNEL(slice_axis_forward, const Tensor& x, int axis, int64_t begin, Tensor& y)
SUNDER_KERNEL(slice_axis_backward, const Tensor& grad_y, int axis, int64_t begin, Tensor& grad_x)

}  // namespace sunder
