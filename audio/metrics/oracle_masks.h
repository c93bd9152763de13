// Separation by ideal masks, computed from the references: upper bounds for the networks' scores. Each mask multiplies
// the mixture's spectrum X, with its phase; periodic Hann window, centred frames. references: (S, L), mixture: (L), L >
// n_fft / 2 samples; returns (S, L) float64 in the sources' order. Throws Error for other shapes.
#pragma once

#include "tensor/tensor.h"

namespace sunder {

// |S_i| / (sum over j of |S_j| + 1e-8): ertug/MixCycle, src/irm.py.
Tensor ideal_ratio_mask(const Tensor& references, const Tensor& mixture, int64_t n_fft = 512, int64_t hop_length = 128);

// 1 for the source of the largest |S_i|, the first among equals, and 0 for all others (Wang, "On ideal binary mask as
// the computational goal of auditory scene analysis", in "Speech Separation by Humans and Machines", 2005).
Tensor ideal_binary_mask(const Tensor& references, const Tensor& mixture, int64_t n_fft = 512,
                         int64_t hop_length = 128);

// |S_i| / |X| cos(angle between S_i and X), cut off at 0 and 1 (Erdogan, Hershey, Watanabe and Le Roux,
// "Phase-sensitive and recognition-boosted speech separation using deep recurrent neural networks", ICASSP 2015);
// 0 where X is.
Tensor phase_sensitive_mask(const Tensor& references, const Tensor& mixture, int64_t n_fft = 512,
                            int64_t hop_length = 128);

}  // namespace sunder
