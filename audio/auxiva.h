// Blind separation without training: independent vector analysis by auxiliary functions.
#pragma once

#include <cstdint>

#include "tensor/tensor.h"

namespace sunder {

struct AuxIvaOptions {
  int64_t sources = 2;
  int64_t iterations = 50;
};

// The sources of one recording as its first microphone hears them (AuxIVA: Ono, WASPAA 2011; with more microphones than
// sources OverIVA: Scheibler and Ono, arXiv 1905.07880). The sources have spherical Laplace distributions over all
// bins; demixing filters start at the identity and take one update by iterative projection each an iteration; then
// every source is scaled in every bin to the least squared distance from the first microphone. Equals pyroomacoustics'
// bss.auxiva with n_src. All arithmetic is float64.
// spectra: (M, T, F) complex64 or complex128 on the CPU, windows about as long as the reverberation -> (S, T, F) of the
// same type. Bins in which the microphones are linearly dependent (silence) keep their filters. Throws Error for
// another shape or type and for more sources than microphones.
Tensor auxiva(const Tensor& spectra, const AuxIvaOptions& options = {});

}  // namespace sunder
