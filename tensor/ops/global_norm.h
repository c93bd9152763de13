#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// Global layer norm: y = gain * (x - mean) / sqrt(variance + eps) + bias, mean and biased variance over all frames and
// channels of an item (torch.nn.GroupNorm with one group; gLN of Luo and Mesgarani, 2019).
// x: (B, T, C), gain and bias: (C). float32, float64; on CUDA x and y also bfloat16. Throws Error for other shapes.
struct GlobalNormResult {
  Tensor y;
  Tensor moments;  // (B, 2): mean and 1 / sqrt(variance + eps), which the backward needs
};
GlobalNormResult global_norm(const Tensor& x, const Tensor& gain, const Tensor& bias, double eps = 1e-8);

struct GlobalNormGrads {
  Tensor x, gain, bias;
};
// With xh = (x - mean) * rstd and g = gain * dy: dx = rstd (g - mean(g) - xh mean(g xh)), dgain = sum dy xh,
// dbias = sum dy; means over an item. dx is left undefined unless wants_x.
GlobalNormGrads global_norm_backward(const Tensor& grad_y, const Tensor& x, const Tensor& gain, const Tensor& moments,
                                     bool wants_x);

SUNDER_KERNEL(global_norm_forward, const Tensor& x, const Tensor& gain, const Tensor& bias, double eps, Tensor& y,
              Tensor& moments)
SUNDER_KERNEL(global_norm_backward, const Tensor& grad_y, const Tensor& x, const Tensor& gain, const Tensor& moments,
              GlobalNormGrads& grads)

// One rounding to bfloat16; the hundredth covers the float32 arithmetic.
inline constexpr double global_norm_bfloat16_error = 1.01 * bfloat16_unit;

}  // namespace sunder
