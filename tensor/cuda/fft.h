// Batched real Fourier transforms on a CUDA device (cuFFT), in place, with cached plans.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/tensor.h"

namespace sunder::cuda {

// rows: (..., F) complex64 or complex128, F = n_fft / 2 + 1. On entry each row holds n_fft real samples from its first
// byte on (the rest of the row is padding, zero for an odd n_fft), on return their spectrum: sum over n of x[n] e^(-2
// pi i k n / n_fft).
void fft_forward(const Tensor& rows, int64_t n_fft);

// The inverse, not divided by n_fft. The imaginary parts of the real bins (0 and, for an even n_fft, the last) must be
// zero: for some sizes cuFFT adds them to the result.
void fft_inverse(const Tensor& rows, int64_t n_fft);

// At most this many plans are cached; the least recently used is evicted. A plan that a graph was captured with stays
// while the graph (tensor/cuda/graph.h) lives, because its nodes point at the plan's tables.
inline constexpr size_t fft_plan_limit = 32;
size_t fft_plan_count();
// Destroy all plans, captured ones too, or those of one stream. A graph captured with them must not be launched
// afterwards.
void clear_fft_plans();
void forget_fft_plans(Stream stream);

}  // namespace sunder::cuda
