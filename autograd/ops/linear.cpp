#include "tensor/ops/linear.h"

#include "autograd/ops.h"

namespace sunder {

// y = x W^T + b per row, so dx = dy W, dW = sum over rows of dy^T x, db = sum over rows of dy.
Variable linear(const Variable& x, const Variable& weight, const Variable& bias, Tf32 tf32) {
  return record("linear", linear(x.value(), weight.value(), bias.value(), tf32), {x, weight, bias},
                [x = x.value(), weight = weight.value(), wants_x = x.requires_grad(),
                 tf32](const Tensor& grad_y) -> std::vector<Tensor> {
                  LinearGrads grads = linear_backward(grad_y, x, weight, wants_x, tf32);
                  return {grads.x, grads.weight, grads.bias};
                });
}

}  // namespace sunder
