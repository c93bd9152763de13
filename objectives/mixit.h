// Mixture-invariant training: the sum of two mixtures is separated into estimates that must sum to the two mixtures
// (Wisdom et al., 2020). No clean source is read.
#pragma once

#include "autograd/ops.h"
#include "tensor/ops/remix.h"

namespace sunder {

// Adds two mini-batches item by item, as the authors zip consecutive ones: mixture b of the result is the sum of item b
// of both. first, second: (B, L); order: pair_order(B), on their device -> targets (B, 2, L), mixtures (B, L).
Remixed pair_mixtures(const Tensor& first, const Tensor& second, const Tensor& order);
// (B, 2) int64: rows b and B + b for item b.
Tensor pair_order(int64_t items);

// The thresholded SNR of the best assignment (tensor/ops/mixit_snr.h): mean over the mixtures, SUM over the batch.
// mixtures: (B, M, L), estimates: (B, S, L); returns one value, dB. The gradient flows into the estimates only.
Variable mixit_loss(const Tensor& mixtures, const Variable& estimates, double snr_max_db = 30);

}  // namespace sunder
