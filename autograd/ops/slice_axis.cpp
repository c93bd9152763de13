#include "tensor/ops/slice_axis.h"

#include "autograd/ops.h"

namespace sunder {

// What is outside the slice has no influence: dx is zero there and dy elsewhere.
Variable slice_axis(const Variable& x, int axis, int64_t begin, int64_t end) {
  return record("slice_axis", slice_axis(x.value(), axis, begin, end), {x},
                [shape = x.shape(), axis, begin](const Tensor& grad) -> std::vector<Tensor> {
                  return {slice_axis_backward(grad, shape, axis, begin)};
                });
}

// The inverse: dx is dy without the zeros.
Variable pad_axis(const Variable& x, int axis, int64_t before, int64_t after) {
  if (before == 0 && after == 0) return x;
  Shape shape = x.shape();
  const int64_t size = x.size(axis);
  shape[axis < 0 ? axis + x.value().dim() : axis] += before + after;
  return record("pad_axis", slice_axis_backward(x.value(), shape, axis, before), {x},
                [axis, before, size](const Tensor& grad) -> std::vector<Tensor> {
                  return {slice_axis(grad, axis, before, before + size)};
                });
}

}  // namespace sunder
