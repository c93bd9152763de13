#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

inline constexpr double isms_eps = 1e-8;  // added to magnitudes before the logarithm

struct Isms {
  Tensor loss;    // (B, M), the type of the images' parts
  Tensor scale;   // (B, M) float64: 1 / the denominator, 0 where the mixture is silent or flat
  Tensor slopes;  // (B, M, S, T, F): the gradient of loss / scale
};

// Intra-source magnitude scattering, UNSSOR's loss against frequency permutations: sum over t of the mean over speakers
// of var_f log(|X| + isms_eps), over sum over t of var_f log(|Y| + isms_eps); natural logarithm, unbiased variance over
// the bins of a frame (merlresearch/reverberation-as-supervision, loss_functions/ras_loss.py, after UNSSOR eq. 10). A
// microphone without variance has loss 0; the slope of |X| at 0 is 0. One pass computes loss and slopes; means and
// variances are float64. images: (B, M, S, T, F), mixtures: (B, M, T, F), complex64 or complex128, F >= 2. Throws Error
// for other shapes and types.
Isms isms(const Tensor& images, const Tensor& mixtures);

// (B, M, S, T, F): grad_loss (B, M) * scale * slopes.
Tensor isms_backward(const Tensor& grad_loss, const Isms& forward);

SUNDER_KERNEL(isms_forward, const Tensor& images, const Tensor& mixtures, Isms& result)
SUNDER_KERNEL(isms_backward, const Tensor& grad_loss, const Isms& forward, Tensor& grad_images)

}  // namespace sunder
