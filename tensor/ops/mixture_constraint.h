#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

struct MixtureConstraint {
  Tensor loss;    // (B, M), the type of the images' parts
  Tensor scale;   // (B, M) float64: 1 / sum |Y|, 0 for a silent microphone
  Tensor slopes;  // (B, M, T, F): the gradient of loss / scale with respect to every speaker's image
};

// How far the sum of the images is from the mixture, at every microphone: sum over t, f of |Re e| + |Im e| + ||Y| -
// |Yh||, over the sum of |Y|, with Yh the sum over speakers and e = Y - Yh (arXiv 2402.09313, eq. 5;
// tensor/ops/ri_mag.h defines the slopes at zero). A silent microphone's loss is 0. One pass computes loss and slopes;
// sums are float64. images: (B, M, S, T, F), mixtures: (B, M, T, F), complex64 or complex128. Throws Error for other
// shapes and types.
MixtureConstraint mixture_constraint(const Tensor& images, const Tensor& mixtures);

// (B, M, S, T, F): grad_loss (B, M) * scale * slopes, the same for all speakers.
Tensor mixture_constraint_backward(const Tensor& grad_loss, const MixtureConstraint& forward, int64_t sources);

SUNDER_KERNEL(mixture_constraint_forward, const Tensor& images, const Tensor& mixtures, MixtureConstraint& result)
SUNDER_KERNEL(mixture_constraint_backward, const Tensor& grad_loss, const MixtureConstraint& forward,
              Tensor& grad_images)

}  // namespace sunder
