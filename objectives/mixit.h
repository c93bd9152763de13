// Mixture-invariant training: the sum of two mixtures is separated into estimates that must sum to the two mixtures
// (Wisdom et al., 2020). No clean source is read.
#pragma once

#include "autograd/ops.h"
#include "tensor/ops/remix.h"

namespace sunder {

// Adds K mini-batches item by item, as the authors zip two consecutive ones: mixture b of the result is the sum of item
// b of all. batches: K times (B, L); order: sum_order(B, K), on their device -> targets (B, K, L), mixtures (B, L).
Remixed sum_mixtures(const std::vector<Tensor>& batches, const Tensor& order);
// (B, K) int64: rows b, B + b, 2 B + b, ... for item b.
Tensor sum_order(int64_t items, int64_t batches = 2);

// The thresholded SNR of the best assignment (tensor/ops/mixit_snr.h): mean over the mixtures, SUM over the batch.
// mixtures: (B, M, L), estimates: (B, S, L); returns one value, dB. The gradient flows into the estimates only.
Variable mixit_loss(const Tensor& mixtures, const Variable& estimates, double snr_max_db = 30);

}  // namespace sunder
