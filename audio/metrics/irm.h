#pragma once

#include "tensor/tensor.h"

namespace sunder {

// Separation with ideal ratio masks, the upper bound beside the networks' scores (ertug/MixCycle, src/irm.py): mask_i = |S_i| /
// (sum over j of |S_j| + 1e-8) on magnitudes, applied to the mixture's spectrum with its phase; periodic Hann window,
// centred frames. references: (S, L), mixture: (L), L > n_fft / 2 samples; returns (S, L) float64 in the sources'
// order. Throws Error for other shapes.
Tensor ideal_ratio_mask(const Tensor& references, const Tensor& mixture, int64_t n_fft = 512, int64_t hop_length = 128);

}  // namespace sunder
