#pragma once

#include "tensor/dispatch.h"
#include "tensor/ops/snr.h"
#include "tensor/tensor.h"

namespace sunder {

// |double - float32| of the loss, dB: residuals are exact to a rounding, their energies are summed in float64.
inline constexpr double pit_snr_error_db = 1e-5;

struct PitSnr {
  Tensor loss;         // (B) of the best permutation, dB, mean over the targets; the inputs' dtype
  Tensor assignment;   // (B) int64, its index: permutations stand in ascending order of S - 1 - permutation[s], so 0 is
                       // the reversed order; the first of equals is taken
  Tensor permutation;  // (B, S) int64, the estimate given to each reference
  Tensor slope;        // (B, S) float64, d loss / d |reference - its estimate|^2
};

// Permutation-invariant thresholded SNR: loss = min over permutations p of mean over s of L(s, p(s)) (tensor/ops/snr.h;
// InvariantLoss of ertug/MixCycle). Residual energies are accumulated per pair, so memory does not grow with the number
// of permutations. references, estimates: (B, S, L), float32 or float64, S = 1 ... 6. snr_max_db: the loss stays above
// its negative. A NaN in an estimate makes the item's loss NaN. Throws Error for other shapes, more sources or mixed
// dtypes.
PitSnr pit_snr(const Tensor& references, const Tensor& estimates, double snr_max_db = 30);

// (B, S, L): grad_loss * slope * 2 (estimate - reference) for the best permutation.
Tensor pit_snr_backward(const Tensor& grad_loss, const Tensor& references, const Tensor& estimates,
                        const Tensor& permutation, const Tensor& slope);

SUNDER_KERNEL(pit_snr_forward, const Tensor& references, const Tensor& estimates, double tau, PitSnr& result)
SUNDER_KERNEL(pit_snr_backward, const Tensor& grad_loss, const Tensor& references, const Tensor& estimates,
              const Tensor& permutation, const Tensor& slope, Tensor& grad_estimates)

}  // namespace sunder
