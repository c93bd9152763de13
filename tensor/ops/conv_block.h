#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// A block of Conv-TasNet (Luo and Mesgarani, 2019): two 1x1 convolutions around a dilated depthwise one, PReLU and
// global norm before each but the first, and the residual and skip sums:
//   h = linear(x, in_weight, in_bias)
//   y = prelu_norm_depthwise(h, in_slope, in_gain, in_shift, conv_weight, conv_bias)
//   both = prelu_norm_linear(y, conv_slope, conv_gain, conv_shift, out_weight, out_bias)
//   next = x + both[..., :C], skip_sum = skip + both[..., C:]; without residual no next, skip_sum = skip + both
// x: (B, T, C); in_weight: (H, C); in_*, conv_*: (H), the slopes (1), conv_weight (H, 1, K) with K odd; out_weight:
// (N, H); out_bias: (N); skip: (B, T, N - C), without residual (B, T, N), or undefined: zero. float32 (TF32 on CUDA
// only), float64; on CUDA x, skip and the matrices in_weight and out_weight also bfloat16, with gradients of float32
// for all but x and skip. Throws Error for other shapes.
template <class Value>
struct ConvBlock {
  Value x, in_weight, in_bias, in_slope, in_gain, in_shift;
  Value conv_weight, conv_bias, conv_slope, conv_gain, conv_shift;
  Value out_weight, out_bias, skip;

  std::vector<Value> list() const {
    return {x,         in_weight,  in_bias,   in_slope,   in_gain,    in_shift, conv_weight,
            conv_bias, conv_slope, conv_gain, conv_shift, out_weight, out_bias, skip};
  }
};
struct ConvBlockOptions {
  int64_t dilation = 1;
  bool residual = true;
  Tf32 tf32 = Tf32::off;
  double eps = 1e-8;
};
struct ConvBlockResult {
  Tensor next, skip_sum;
  // For the backward pass: h (without its bias in the fused CUDA kernels), y, and the moments of both norms, (B, 2).
  Tensor hidden, mixed, hidden_moments, mixed_moments;
};
ConvBlockResult conv_block(const ConvBlock<Tensor>& in, const ConvBlockOptions& options);
// The gradients of all inputs but skip, whose gradient is grad_skip_sum. An undefined gradient stands for zero.
ConvBlock<Tensor> conv_block_backward(const Tensor& grad_next, const Tensor& grad_skip_sum, const ConvBlock<Tensor>& in,
                                      const ConvBlockResult& saved, const ConvBlockOptions& options);

SUNDER_KERNEL(conv_block_forward, const ConvBlock<Tensor>& in, const ConvBlockOptions& options, ConvBlockResult& result)
SUNDER_KERNEL(conv_block_backward, const Tensor& grad_next, const Tensor& grad_skip_sum, const ConvBlock<Tensor>& in,
              const ConvBlockResult& saved, const ConvBlockOptions& options, ConvBlock<Tensor>& grads)

// For results and gradients, where no element is so close to PReLU's kink that rounding changes its sign. These are
// rounded: h, y and both, the operands of the products, and the gradients of h and y, each before and after its norm.
inline constexpr double conv_block_bfloat16_error = 3 * bfloat16_unit, conv_block_tf32_error = 2 * tf32_unit;

}  // namespace sunder
