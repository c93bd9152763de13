#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// y = linear(global_norm(prelu(x, slope), gain, bias), weight, out_bias), the end of a Conv-TasNet block: the norm's
// output lives a piece of rows at a time, in the cache, between its making and the product.
// x: (B, T, C); slope: (1); gain, bias: (C); weight: (N, C); out_bias: (N); returns y: (B, T, N). float32, float64.
// Throws Error for other shapes.
struct PreluNormLinearInputs {
  Tensor x, slope, gain, bias, weight, out_bias;
};
struct PreluNormLinearResult {
  Tensor y;
  Tensor moments;  // (B, 2): mean and 1 / sqrt(variance + eps) of prelu(x)
};
PreluNormLinearResult prelu_norm_linear(const PreluNormLinearInputs& in, double eps = 1e-8);
// The gradients of all six inputs, in their order.
PreluNormLinearInputs prelu_norm_linear_backward(const Tensor& grad_y, const PreluNormLinearInputs& in,
                                                 const Tensor& moments);

SUNDER_KERNEL(prelu_norm_linear_forward, const PreluNormLinearInputs& in, double eps, Tensor& y, Tensor& moments)
SUNDER_KERNEL(prelu_norm_linear_backward, const Tensor& grad_y, const PreluNormLinearInputs& in, const Tensor& moments,
              PreluNormLinearInputs& grads)

}  // namespace sunder
