#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// The two sums at the end of a Conv-TasNet block, from one tensor that holds both paths side by side: next = x +
// both[..., :C], skip_sum = skip + both[..., C:]. skip may be undefined (zero, in the first block). x: (B, T, C), skip:
// (B, T, K), both: (B, T, C + K). float32, float64, on CUDA bfloat16. Throws Error for other shapes.
struct ResidualSkip {
  Tensor next, skip_sum;
};
ResidualSkip residual_skip(const Tensor& x, const Tensor& skip, const Tensor& both);
// The gradient of `both`: the two gradients side by side, zero where one is undefined.
Tensor residual_skip_backward(const Tensor& grad_next, const Tensor& grad_skip_sum, int64_t channels,
                              int64_t skip_channels);

SUNDER_KERNEL(residual_skip_forward, const Tensor& x, const Tensor& skip, const Tensor& both, ResidualSkip& result)
SUNDER_KERNEL(residual_skip_backward, const Tensor& grad_next, const Tensor& grad_skip_sum, Tensor& grad_both,
              int64_t channels)

// One rounding to bfloat16; the hundredth covers the float32 arithmetic.
inline constexpr double residual_skip_bfloat16_error = 1.01 * bfloat16_unit;

}  // namespace sunder
