#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

struct PitRiMag {
  Tensor loss;         // (B) of the best permutation, mean over the references; the type of the spectra's parts
  Tensor permutation;  // (B, S) int64, the estimate given to each reference
  Tensor scale;        // (B) float64: 1 / (S sum |mixture|), 0 for a silent mixture
};

// Permutation-invariant distance of spectra by real part, imaginary part and magnitude: min over permutations p of the
// mean over s of sum over t, f of |Re d| + |Im d| + ||R_s| - |E_p(s)||, d = R_s - E_p(s), over the sum of |mixture|
// (the supervised baseline of arXiv 2402.09313, V; normalised as arXiv 2605.19695, eq. 17; tensor/ops/ri_mag.h defines
// the slopes at zero). A silent mixture's loss is 0. Sums are float64. references, estimates: (B, S, T, F), mixtures:
// (B, T, F), complex64 or complex128, S = 1 ... 6. Throws Error for other shapes, types and more sources.
PitRiMag pit_ri_mag(const Tensor& references, const Tensor& mixtures, const Tensor& estimates);

// (B, S, T, F): the gradient of the estimates for the best permutation.
Tensor pit_ri_mag_backward(const Tensor& grad_loss, const Tensor& references, const Tensor& estimates,
                           const PitRiMag& forward);

SUNDER_KERNEL(pit_ri_mag_forward, const Tensor& references, const Tensor& mixtures, const Tensor& estimates,
              PitRiMag& result)
SUNDER_KERNEL(pit_ri_mag_backward, const Tensor& grad_loss, const Tensor& references, const Tensor& estimates,
              const PitRiMag& forward, Tensor& grad_estimates)

}  // namespace sunder
