#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// y = depthwise_conv1d(global_norm(prelu(x, slope), gain, bias), weight, conv_bias, dilation), the middle of a
// Conv-TasNet block, in one pass over x for the moments and one for the rest; the outputs of PReLU and norm are not
// stored. x: (B, T, C); slope: (1); gain, bias, conv_bias: (C); weight: (C, 1, K), K odd. float32, float64; on CUDA x
// and y also bfloat16. Throws Error for other shapes.
struct PreluNormDepthwiseInputs {
  Tensor x, slope, gain, bias, weight, conv_bias;
};
struct PreluNormDepthwiseResult {
  Tensor y;
  Tensor moments;  // (B, 2): mean and 1 / sqrt(variance + eps) of prelu(x)
};
PreluNormDepthwiseResult prelu_norm_depthwise(const PreluNormDepthwiseInputs& in, int64_t dilation, double eps = 1e-8);
// The gradients of all six inputs, in their order.
PreluNormDepthwiseInputs prelu_norm_depthwise_backward(const Tensor& grad_y, const PreluNormDepthwiseInputs& in,
                                                       const Tensor& moments, int64_t dilation);

SUNDER_KERNEL(prelu_norm_depthwise_forward, const PreluNormDepthwiseInputs& in, int64_t dilation, double eps, Tensor& y,
              Tensor& moments)
SUNDER_KERNEL(prelu_norm_depthwise_backward, const Tensor& grad_y, const PreluNormDepthwiseInputs& in,
              const Tensor& moments, int64_t dilation, PreluNormDepthwiseInputs& grads)

// Results are rounded once; dx is computed from the norm's gradient, which is rounded itself.
inline constexpr double prelu_norm_depthwise_bfloat16_error = 2 * bfloat16_unit;

}  // namespace sunder
