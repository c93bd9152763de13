#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// Inverse of stft: overlap-add of the windowed inverse transforms, divided by the overlap-added squared window, without
// the first n_fft / 2 samples (torch.istft with center=True and a length). Imaginary parts of the first bin and, for an
// even n_fft, of the last are ignored. Every sample sums its frames in ascending order. spectrum: (..., T, F) complex64
// or complex128, F = n_fft / 2 + 1; window: (n_fft) of the same precision; hop_length and length in samples; returns
// (..., length). Throws Error for F that does not fit the window, hop_length < 1, no frames, and for samples that the
// frames do not cover or where the squared windows add up to less than istft_min_overlap; on CUDA, where reading the
// window would make the host wait, such samples are NaN instead (nn/stft.h checks its window at construction).
Tensor istft(const Tensor& spectrum, const Tensor& window, int64_t hop_length, int64_t length);

// dspectrum of `frames` frames: dsignal divided by the overlap-added squared window, then windowed and transformed.
Tensor istft_backward(const Tensor& grad_signal, const Tensor& window, int64_t hop_length, int64_t frames);

inline constexpr double istft_min_overlap = 1e-11;  // torch.istft's

// The squared windows of T = `frames` frames, overlap-added, at the samples [0, length) that istft returns. Throws as
// istft does. window: (n_fft) on the CPU; returns float64.
std::vector<double> istft_overlap(const Tensor& window, int64_t hop_length, int64_t frames, int64_t length);

SUNDER_KERNEL(istft_forward, const Tensor& spectrum, const Tensor& window, int64_t hop_length, Tensor& signal)
SUNDER_KERNEL(istft_backward, const Tensor& grad_signal, const Tensor& window, int64_t hop_length,
              Tensor& grad_spectrum)

}  // namespace sunder
