// NumPy's broadcasting: shapes are aligned at their last axes, and an axis of size 1 is stretched to the other's size.
#pragma once

#include "tensor/tensor.h"

namespace sunder {

// The shape that `a` and `b` broadcast to. Throws "[op] expected shapes that broadcast, got ...".
Shape broadcast_shape(const char* op, const Shape& a, const Shape& b);

// The strides of two operands over their common shape. Neighbouring axes that broadcast alike are merged: equal shapes
// become one axis, (..., C) with (C) two. Plain data: kernels take it by value.
struct BroadcastLayout {
  static constexpr int max_axes = 8;
  int axes = 1;  // at least 1
  int64_t sizes[max_axes] = {1};
  int64_t a_strides[max_axes] = {0}, b_strides[max_axes] = {0};  // in elements; 0 where the operand is stretched
};

// Throws Error for more than max_axes axes after merging.
BroadcastLayout broadcast_layout(const char* op, const Shape& a, const Shape& b, const Shape& result);

}  // namespace sunder
