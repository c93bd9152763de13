#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// What stands before the attention of TF-GridNet (ESPnet, TFGridNetV2: AllHeadPReLULayerNormalization4DC) and, with one
// head, behind it (LayerNormalization4DCF): PReLU with a slope for each head, then a norm over all channels of the head
// and all bins of a frame, with a gain and a bias for each of them; every frame of a head becomes one vector.
// x: (B, T, F, L C), channel l C + c is c of head l; slope: (L); gain, bias: (L, C, F). y: (B, L, T, F C), column
// f C + c. Biased variance, taken around the mean in a second pass. float32, float64; on CUDA x and y also bfloat16.
// Throws Error for other shapes and for C F = 0.
struct HeadNormResult {
  Tensor y;
  Tensor moments;  // (B, T, L, 2): mean and 1 / sqrt(variance + eps), which the backward pass needs
};
HeadNormResult head_norm(const Tensor& x, const Tensor& slope, const Tensor& gain, const Tensor& bias,
                         double eps = 1e-5);

struct HeadNormGrads {
  Tensor x, slope, gain, bias;
};
// Sums over frames run in a fixed order over chunks of frames, in float64 between chunks.
HeadNormGrads head_norm_backward(const Tensor& grad_y, const Tensor& x, const Tensor& slope, const Tensor& gain,
                                 const Tensor& moments);

// gain, bias and their gradients: (L, F, C) here, as a head's vectors have them.
SUNDER_KERNEL(head_norm_forward, const Tensor& x, const Tensor& slope, const Tensor& gain, const Tensor& bias,
              double eps, HeadNormResult& result)
SUNDER_KERNEL(head_norm_backward, const Tensor& grad_y, const Tensor& x, const Tensor& slope, const Tensor& gain,
              const Tensor& moments, HeadNormGrads& grads)

// Rounded once; the hundredth is float32's.
inline constexpr double head_norm_bfloat16_error = 1.01 * bfloat16_unit;

}  // namespace sunder
