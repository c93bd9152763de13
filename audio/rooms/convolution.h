// Convolution with long filters, by FFTs of blocks.
#pragma once

#include <cstdint>
#include <span>

namespace sunder {

// out[r][t] = sum over n of filters[r][n] * signal[begin + t - n] for t < length, zeros beyond the signal: samples
// `begin` to `begin + length` of the full convolution, where `begin` may be negative.
// signal: (L); filters: (R, taps); out: (R, length). Rounding: about 1e-15 of the norm of signal times that of the
// filter. The same bits with any number of threads. Throws Error if the sizes of filters or out do not fit.
void convolve(std::span<const float> signal, std::span<const double> filters, int64_t taps, int64_t begin,
              int64_t length, std::span<double> out);

}  // namespace sunder
