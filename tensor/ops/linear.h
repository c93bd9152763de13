#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// y = x W^T + b as one product over all rows; with channels last also a 1x1 convolution (torch.nn.Linear, Conv1d with
// kernel 1). x: (..., K), weight: (N, K), bias: (N); returns (..., N). float32 (TF32 on CUDA only), float64; on CUDA x,
// weight and y also bfloat16, with gradients of weight and bias in float32. Throws Error for other shapes.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, Tf32 tf32 = Tf32::off);

struct LinearGrads {
  Tensor x, weight, bias;
};
// dx = dy W (left undefined unless wants_x), dW = dy^T x, db = sum of dy over rows.
LinearGrads linear_backward(const Tensor& grad_y, const Tensor& x, const Tensor& weight, bool wants_x,
                            Tf32 tf32 = Tf32::off);

SUNDER_KERNEL(linear_forward, const Tensor& x, const Tensor& weight, const Tensor& bias, Tf32 tf32, Tensor& y)
SUNDER_KERNEL(linear_backward, const Tensor& grad_y, const Tensor& x, const Tensor& weight, Tf32 tf32,
              LinearGrads& grads)

// The bias is rounded before the product is added to it, and y again. TF32 truncates both operands of every term.
inline constexpr double linear_bfloat16_error = 2 * bfloat16_unit, linear_tf32_error = 2 * tf32_unit;

}  // namespace sunder
