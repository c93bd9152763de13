#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// Depthwise convolution along time, zero padding that keeps the length:
// y[t, c] = bias[c] + sum_k weight[c, 0, k] x[t + (k - (K - 1) / 2) dilation, c].
// x: (B, T, C), weight: (C, 1, K) with K odd, bias: (C); returns (B, T, C). float32, float64; on CUDA x and y also
// bfloat16. Equals torch.nn.Conv1d with groups = C and padding = dilation (K - 1) / 2, channels last. Throws Error for
// other shapes or dilation < 1.
Tensor depthwise_conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias, int64_t dilation);

struct DepthwiseConv1dGrads {
  Tensor x, weight, bias;
};
DepthwiseConv1dGrads depthwise_conv1d_backward(const Tensor& grad_y, const Tensor& x, const Tensor& weight,
                                               int64_t dilation);

SUNDER_KERNEL(depthwise_conv1d_forward, const Tensor& x, const Tensor& weight, const Tensor& bias, int64_t dilation,
              Tensor& y)
SUNDER_KERNEL(depthwise_conv1d_backward, const Tensor& grad_y, const Tensor& x, const Tensor& weight, int64_t dilation,
              DepthwiseConv1dGrads& grads)

// Throws "[op] ..." unless the four fit together.
void check_depthwise(const char* op, const Tensor& x, const Tensor& weight, const Tensor& bias, int64_t dilation);

// One rounding to bfloat16; the hundredth covers the float32 arithmetic.
inline constexpr double depthwise_conv1d_bfloat16_error = 1.01 * bfloat16_unit;

}  // namespace sunder
