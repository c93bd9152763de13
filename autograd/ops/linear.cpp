#include "tensor/ops/linear.h"

#include "autograd/ops.h"

namespace sunder {

// y = x W^T + b per row, so dx = dy W, dW = sum over rows of dy^T x, db = sum over rows of dy.
Variable linear(const Variable& x, const Variable& weight, const Variable& bias) {
  return record("linear", linear(x.value(), weight.value(), bias.value()), {x, weight, bias},
                [x = x.value(), weight = weight.value(), wants_x = x.requires_grad()](
                    const Tensor& grad_y) -> std::vector<Tensor> {
                  LinearGrads grads = linear_backward(grad_y, x, weight, wants_x);
                  return {grads.x, grads.weight, grads.bias};
                });
}

}  // namespace sunder
