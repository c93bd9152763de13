#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// y = exp(x - max) / sum of exp(x - max), over the last axis (torch.softmax): large scores do not overflow. x: (...,
// C); returns (..., C). float32, float64. A row whose maximum is infinite or NaN becomes NaN. Throws Error for a tensor
// without axes.
Tensor softmax(const Tensor& x);

// dx = y * (dy - sum of dy * y).
Tensor softmax_backward(const Tensor& grad_y, const Tensor& y);

SUNDER_KERNEL(softmax_forward, const Tensor& x, Tensor& y)
SUNDER_KERNEL(softmax_backward, const Tensor& grad_y, const Tensor& y, Tensor& grad_x)

}  // namespace sunder
