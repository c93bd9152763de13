#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// Masks that add up to one, applied to the mixture's spectrum: m_s = sigmoid(logit_s), estimate_s = m_s / (sum over
// sources of m + soft_mask_eps) * spectrum (MixCycle, transforms.py and models.py). logits: (B, T, S * F), channel s *
// F + f; spectrum: (B, T, F) complex, of the logits' compute type; returns (B, S, T, F). float32, float64; on CUDA
// logits also bfloat16. Throws Error for less than one source, other shapes, mixed precisions or streams.
Tensor soft_mask(const Tensor& logits, const Tensor& spectrum, int64_t sources);

// dlogits; the spectrum is a constant.
Tensor soft_mask_backward(const Tensor& grad_estimates, const Tensor& logits, const Tensor& spectrum);

inline constexpr double soft_mask_eps = 1e-8;

SUNDER_KERNEL(soft_mask_forward, const Tensor& logits, const Tensor& spectrum, Tensor& estimates)
SUNDER_KERNEL(soft_mask_backward, const Tensor& grad_estimates, const Tensor& logits, const Tensor& spectrum,
              Tensor& grad_logits)

// One rounding to bfloat16; the hundredth covers the float32 arithmetic.
inline constexpr double soft_mask_bfloat16_error = 1.01 * bfloat16_unit;

}  // namespace sunder
