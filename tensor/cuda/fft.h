// Batched real Fourier transforms on a CUDA device (cuFFT), in place, by plans that are kept for the next call.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/tensor.h"

namespace sunder::cuda {

// rows: (..., F) complex64 or complex128, F = n_fft / 2 + 1. On entry every row holds n_fft real samples from its first
// byte on (what is left of the row is padding, zero for an odd n_fft), on return their spectrum: sum over n of
// x[n] e^(-2 pi i k n / n_fft).
void fft_forward(const Tensor& rows, int64_t n_fft);

// The other way round, not divided by n_fft. The imaginary parts of the bins that are real by nature (0 and, for an
// even n_fft, the last) must be zero: cuFFT lets them into the result for some sizes.
void fft_inverse(const Tensor& rows, int64_t n_fft);

// Plans kept; the one used longest ago goes first. A plan that a graph was captured with stays, for the graph's nodes
// point at its tables.
inline constexpr size_t fft_plan_limit = 32;
size_t fft_plan_count();
// Frees all plans, captured ones too, or those of one stream; no graph captured with them may be launched after it.
void clear_fft_plans();
void forget_fft_plans(Stream stream);

}  // namespace sunder::cuda
