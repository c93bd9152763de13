#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

struct LayerNormResult {
  Tensor y;
  Tensor mean, rstd;  // (...): of every row, rstd = 1 / sqrt(variance + eps); for the backward pass
};

// y = (x - mean) / sqrt(variance + eps) * gain + bias, mean and biased variance over the last axis (Ba et al., 2016;
// torch.nn.LayerNorm over one axis).
// x: (..., C); gain, bias: (C). float32, float64. The variance is taken around the mean, in a second pass over the row.
// Throws Error for other shapes and for C = 0.
LayerNormResult layer_norm(const Tensor& x, const Tensor& gain, const Tensor& bias, double eps);

struct LayerNormGrads {
  Tensor x, gain, bias;
};
// Sums over rows run in a fixed order over chunks of rows, in float64 between chunks.
LayerNormGrads layer_norm_backward(const Tensor& grad_y, const Tensor& x, const Tensor& gain, const Tensor& mean,
                                   const Tensor& rstd);

SUNDER_KERNEL(layer_norm_forward, const Tensor& x, const Tensor& gain, const Tensor& bias, double eps,
              LayerNormResult& result)
SUNDER_KERNEL(layer_norm_backward, const Tensor& grad_y, const Tensor& x, const Tensor& gain, const Tensor& mean,
              const Tensor& rstd, LayerNormGrads& grads)

}  // namespace sunder
