#include "tensor/ops/lstm.h"

#include "autograd/ops.h"

namespace sunder {

// Back through time. With h = o tanh(c), c = f c' + i g and the sums a that enter the gates' functions:
//     dh = dy + V^T da of the step after,  dc = dc of the step after * f there + dh o (1 - tanh(c)^2),
//     da_o = dh tanh(c) o (1 - o),  da_i = dc g i (1 - i),  da_f = dc c' f (1 - f),  da_g = dc i (1 - g^2).
// Then over all steps at once: dx = W^T da, dW = da x^T, dV = da h'^T, and both biases' gradients are the sum of da.
Variable lstm(const Variable& x, const Variable& weight_ih, const Variable& weight_hh, const Variable& bias_ih,
              const Variable& bias_hh, Tf32 tf32) {
  const LstmWeights weights{weight_ih.value(), weight_hh.value(), bias_ih.value(), bias_hh.value()};
  const LstmResult result = lstm(x.value(), weights, tf32);
  return record(
      "lstm", result.y, {x, weight_ih, weight_hh, bias_ih, bias_hh},
      [x = x.value(), weights, result, wants_x = x.requires_grad(), tf32](const Tensor& grad_y) -> std::vector<Tensor> {
        const LstmGrads d = lstm_backward(grad_y, x, weights, result, wants_x, tf32);
        return {d.x, d.weights.weight_ih, d.weights.weight_hh, d.weights.bias_ih, d.weights.bias_hh};
      });
}

}  // namespace sunder
