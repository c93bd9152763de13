#include "tensor/ops/prelu_norm_linear.h"

#include "autograd/ops.h"

namespace sunder {

// The chain rule through linear, global_norm and prelu (each derived in its own file). Saved: x and the moments.
Variable prelu_norm_linear(const Variable& x, const Variable& slope, const Variable& gain, const Variable& bias,
                           const Variable& weight, const Variable& out_bias, Tf32 tf32, double eps) {
  const PreluNormLinearInputs in{x.value(),    slope.value(),  gain.value(),
                                 bias.value(), weight.value(), out_bias.value()};
  PreluNormLinearResult result = prelu_norm_linear(in, tf32, eps);
  return record("prelu_norm_linear", result.y, {x, slope, gain, bias, weight, out_bias},
                [in, moments = result.moments, tf32](const Tensor& grad_y) -> std::vector<Tensor> {
                  PreluNormLinearInputs d = prelu_norm_linear_backward(grad_y, in, moments, tf32);
                  return {d.x, d.slope, d.gain, d.bias, d.weight, d.out_bias};
                });
}

}  // namespace sunder
