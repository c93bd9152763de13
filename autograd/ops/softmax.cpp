#include "tensor/ops/softmax.h"

#include "autograd/ops.h"

namespace sunder {

// dy_i/dx_j = y_i (delta_ij - y_j), so dx = y * (dy - sum of dy * y): only y is saved.
Variable softmax(const Variable& x) {
  Tensor y = softmax(x.value());
  return record("softmax", y, {x},
                [y](const Tensor& grad) -> std::vector<Tensor> { return {softmax_backward(grad, y)}; });
}

}  // namespace sunder
