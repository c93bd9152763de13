#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// The activation and norm before the attention of TF-GridNet (ESPnet, TFGridNetV2: AllHeadPReLULayerNormalization4DC)
// and, with one head, after it (LayerNormalization4DCF): PReLU with a slope for each head, then a norm over all
// channels of the head and all bins of a frame, with a gain and a bias for each of them; every frame of a head becomes
// one vector. x: (B, T, F, L C), channel l C + c is c of head l; slope: (L); gain, bias: (L, C, F). y: (B, L, T, F C),
// column f C + c. Biased variance, taken around the mean in a second pass. float32, float64; on CUDA x and y also
// bfloat16. Throws Error for other shapes and for C F = 0.
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

// gain, bias and their gradients are (L, F, C) here, the order of a head's vectors.
SUNDER_KERNEL(head_norm_forward, const Tensor& x, const Tensor& slope, const Tensor& gain, const Tensor& bias,
              double eps, HeadNormResult& result)
SUNDER_KERNEL(head_norm_backward, const Tensor& grad_y, const Tensor& x, const Tensor& slope, const Tensor& gain,
              const Tensor& moments, HeadNormGrads& grads)

// One rounding to bfloat16; the hundredth covers the float32 arithmetic.
inline constexpr double head_norm_bfloat16_error = 1.01 * bfloat16_unit;

}  // namespace sunder
