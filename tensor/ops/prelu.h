#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// y = x where x > 0, else slope * x (He et al., 2015; torch.nn.PReLU, channels last). x: (..., C); slope: (1) shared or
// (C) per channel; returns y: (..., C). float32, float64; on CUDA x and y also bfloat16. Throws Error for another
// number of slopes, other dtypes or streams.
Tensor prelu(const Tensor& x, const Tensor& slope);

struct PreluGrads {
  Tensor x, slope;
};
// dx = dy where x > 0, else slope * dy;  dslope = sum over dy * x where x <= 0.
// The sums run in a fixed order over chunks of rows, accumulated in float64.
PreluGrads prelu_backward(const Tensor& grad_y, const Tensor& x, const Tensor& slope);

SUNDER_KERNEL(prelu_forward, const Tensor& x, const Tensor& slope, Tensor& y)
SUNDER_KERNEL(prelu_backward, const Tensor& grad_y, const Tensor& x, const Tensor& slope, Tensor& grad_x,
              Tensor& grad_slope)

// One rounding to bfloat16; the hundredth covers the float32 arithmetic.
inline constexpr double prelu_bfloat16_error = 1.01 * bfloat16_unit;

}  // namespace sunder
