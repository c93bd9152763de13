#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// y = x W^T + b, one large product over all rows: a 1x1 convolution where channels are last (torch.nn.Linear, Conv1d with
// kernel 1).
// x: (..., K), weight: (N, K), bias: (N); returns (..., N). float32, float64. Throws Error for other shapes.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias);

struct LinearGrads {
  Tensor x, weight, bias;
};
// dx = dy W (left undefined unless wants_x), dW = dy^T x, db = sum of dy over rows.
LinearGrads linear_backward(const Tensor& grad_y, const Tensor& x, const Tensor& weight, bool wants_x);

SUNDER_KERNEL(linear_forward, const Tensor& x, const Tensor& weight, const Tensor& bias, Tensor& y)
SUNDER_KERNEL(linear_backward, const Tensor& grad_y, const Tensor& x, const Tensor& weight, LinearGrads& grads)

}  // namespace sunder
