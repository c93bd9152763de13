#include "tensor/ops/slice_axis.h"

#include "autograd/ops.h"

namespace sunder {

// What was cut away has no influence: dx is zero there and dy elsewhere.
Variable slice_axis(const Variable& x, int axis, int64_t begin, int64_t end) {
  return record("slice_axis", slice_axis(x.value(), axis, begin, end), {x},
                [shape = x.shape(), axis, begin](const Tensor& grad) -> std::vector<Tensor> {
                  return {slice_axis_backward(grad, shape, axis, begin)};
                });
}

}  // namespace sunder
