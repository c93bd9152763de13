#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// y = linear(global_norm(prelu(x, slope), gain, bias), weight, out_bias), the end of a Conv-TasNet block: the norm's
// output exists for a few rows at a time, in the cache. x: (B, T, C); slope: (1); gain, bias: (C); weight: (N, C);
// out_bias: (N); returns y: (B, T, N). float32 (in TF32 on CUDA alone), float64; on CUDA x, weight and y also bfloat16,
// with gradients of float32 for all but x. Throws Error for other shapes.
struct PreluNormLinearInputs {
  Tensor x, slope, gain, bias, weight, out_bias;
};
struct PreluNormLinearResult {
  Tensor y;
  Tensor moments;  // (B, 2): mean and 1 / sqrt(variance + eps) of prelu(x)
};
PreluNormLinearResult prelu_norm_linear(const PreluNormLinearInputs& in, Tf32 tf32 = Tf32::off, double eps = 1e-8);
// The gradients of all six inputs, in their order.
PreluNormLinearInputs prelu_norm_linear_backward(const Tensor& grad_y, const PreluNormLinearInputs& in,
                                                 const Tensor& moments, Tf32 tf32 = Tf32::off);

SUNDER_KERNEL(prelu_norm_linear_forward, const PreluNormLinearInputs& in, Tf32 tf32, double eps, Tensor& y,
              Tensor& moments)
SUNDER_KERNEL(prelu_norm_linear_backward, const Tensor& grad_y, const PreluNormLinearInputs& in, const Tensor& moments,
              Tf32 tf32, PreluNormLinearInputs& grads)

// Holds where the mean of PReLU(x) is not large compared with its deviation, because the norm amplifies the errors by
// that ratio. These are rounded: gain * PReLU(x), the gain and the bias before the product, whose errors have either
// sign, and y after it. TF32 truncates both operands of every term.
inline constexpr double prelu_norm_linear_bfloat16_error = 2 * bfloat16_unit,
                        prelu_norm_linear_tf32_error = 2 * tf32_unit;

}  // namespace sunder
