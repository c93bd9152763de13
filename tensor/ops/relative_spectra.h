#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

inline constexpr double relative_spectra_floor = 1e-10;  // added to every power

// Features of several microphones that show level and phase relative to the first one: with q_m = |Y_m|^2 + floor,
// microphone 1 gives (sqrt(q_1), sqrt(q_1)^p), every other one the real and imaginary part of
// sqrt(q_m)^p Y_m conj(Y_1) / sqrt(q_m q_1), which is 0 where either is silent.
// spectra: (B, M, T, F) complex64 or complex128, p: the exponent, above 0 and at most 1 -> (B, T, F, 2M) real, first
// the first numbers of all microphones, then the second ones. No gradient. Throws Error for other shapes and types.
Tensor relative_spectra(const Tensor& spectra, double exponent);

// |difference| / largest |result| in float32: two exponentials and logarithms of arguments up to 50.
inline constexpr double relative_spectra_error = 1e-5;

SUNDER_KERNEL(relative_spectra, const Tensor& spectra, double exponent, Tensor& features)

}  // namespace sunder
