#pragma once

#include "tensor/dispatch.h"
#include "tensor/ops/snr.h"
#include "tensor/tensor.h"

namespace sunder {

struct MixitSnr {
  Tensor loss;        // (B) of the best assignment, dB, mean over the mixtures; the inputs' dtype
  Tensor assignment;  // (B) int64, its index: each mixture's set of estimates is a binary number (estimate 0 the
                      // highest bit) and assignments stand in ascending order of (set of mixture 0, set of mixture 1,
                      // ...), so for two mixtures the index is the first one's set; the first of equals is taken
  Tensor mixture_of;  // (B, S) int64, the mixture that each estimate is given to
  Tensor slope;       // (B, M) float64, d loss / d |mixture - sum of its estimates|^2
};

// Mixture-invariant thresholded SNR: every estimate is assigned to exactly one mixture, a mixture may have none, loss =
// min over the M^S assignments of the mean over mixtures of L(mixture, sum of its estimates) (tensor/ops/snr.h; Wisdom
// et al., "Unsupervised Sound Separation Using Mixture Invariant Training", 2020; InvariantLoss of ertug/MixCycle). The
// assignment is chosen from the Gram matrix of mixtures and estimates, summed in float64 (at 30 dB a float32 sum is off
// by 0.01 dB); loss and gradient of the best one come from its residuals. mixtures: (B, M, L), estimates: (B, S, L),
// float32 or float64; M, S = 1 ... 16, M^S at most 65,536. A NaN in an estimate makes the item's loss NaN. Throws Error
// for other shapes, more assignments or mixed dtypes.
MixitSnr mixit_snr(const Tensor& mixtures, const Tensor& estimates, double snr_max_db = 30);

// (B, S, L): grad_loss * slope * 2 (sum of the mixture's estimates - mixture).
Tensor mixit_snr_backward(const Tensor& grad_loss, const Tensor& mixtures, const Tensor& estimates,
                          const Tensor& mixture_of, const Tensor& slope);

SUNDER_KERNEL(mixit_snr_forward, const Tensor& mixtures, const Tensor& estimates, double tau, MixitSnr& result)
SUNDER_KERNEL(mixit_snr_backward, const Tensor& grad_loss, const Tensor& mixtures, const Tensor& estimates,
              const Tensor& mixture_of, const Tensor& slope, Tensor& grad_estimates)

}  // namespace sunder
