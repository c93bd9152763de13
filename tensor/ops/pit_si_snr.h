#pragma once

#include "tensor/dispatch.h"
#include "tensor/ops/si_snr.h"
#include "tensor/tensor.h"

namespace sunder {

struct PitSiSnr {
  Tensor loss;         // (B) of the best permutation, dB, mean over the references; the inputs' dtype
  Tensor permutation;  // (B, S) int64, the estimate given to each reference
  Tensor slopes;       // (B, S, 3) float64, of_estimate, of_reference and offset of SiSnr, divided by S
};

// Permutation-invariant scale-invariant SNR: loss = min over permutations p of mean over s of -SI-SNR(s, p(s)) dB
// (tensor/ops/si_snr.h; Asteroid's PITLossWrapper of PairwiseNegSDR("sisdr")). The first of equal permutations is
// taken, in the order of pit_snr. references, estimates: (B, S, L), float32 or float64, S = 1 ... 6. A NaN in an
// estimate makes the item's loss NaN. Throws Error for other shapes, more sources or mixed dtypes.
PitSiSnr pit_si_snr(const Tensor& references, const Tensor& estimates);

// (B, S, L): the gradient of the estimates, from `forward`.
Tensor pit_si_snr_backward(const Tensor& grad_loss, const Tensor& references, const Tensor& estimates,
                           const PitSiSnr& forward);

SUNDER_KERNEL(pit_si_snr_forward, const Tensor& references, const Tensor& estimates, PitSiSnr& result)
SUNDER_KERNEL(pit_si_snr_backward, const Tensor& grad_loss, const Tensor& references, const Tensor& estimates,
              const PitSiSnr& forward, Tensor& grad_estimates)

// |double - float32| of a loss of at most 40 dB, dB: sums of squares are exact to float32's rounding of each product.
inline constexpr double pit_si_snr_error_db = 1e-3;

}  // namespace sunder
