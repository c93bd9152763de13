#include "audio/rooms/convolution.h"

#include <algorithm>
#include <bit>
#include <complex>
#include <vector>

#include "tensor/error.h"
#include "tensor/fft.h"
#include "tensor/parallel.h"

namespace sunder {

void convolve(std::span<const float> signal, std::span<const double> filters, int64_t taps, int64_t begin,
              int64_t length, std::span<double> out) {
  const int64_t count = taps > 0 ? static_cast<int64_t>(filters.size()) / taps : 0;
  if (taps < 1 || length < 0 || static_cast<int64_t>(filters.size()) != count * taps ||
      static_cast<int64_t>(out.size()) != count * length)
    throw_error("[convolve] expected filters (R, {}) and an output (R, {}), got {} and {} numbers", taps, length,
                filters.size(), out.size());
  if (out.empty()) return;
  // Overlap-save: a block of about twice the filter length gives about as many new samples as the filter has taps.
  const auto size = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(std::max<int64_t>(2 * taps, 64))));
  const int64_t hop = size - taps + 1, blocks = (length + hop - 1) / hop;
  const auto fft = real_fft<double>(size);
  const int64_t bins = fft->bins();
  const std::vector<double> ones(size, 1.0), scale(size, 1.0 / static_cast<double>(size));

  std::vector<double> padded((blocks - 1) * hop + size);  // from sample begin - (taps - 1) of the signal
  const auto samples = static_cast<int64_t>(signal.size());
  for (int64_t i = 0; i < static_cast<int64_t>(padded.size()); ++i)
    if (const int64_t at = begin - (taps - 1) + i; at >= 0 && at < samples) padded[i] = signal[at];
  std::vector<std::complex<double>> spectra(blocks * bins);
  fft->forward(padded.data(), hop, blocks, ones.data(), 1, spectra.data());

  parallel_for(count, 1, [&](int64_t r, int64_t) {
    std::vector<double> frames(blocks * size);
    std::copy_n(filters.begin() + r * taps, taps, frames.begin());
    std::vector<std::complex<double>> filter(bins), products(blocks * bins);
    fft->forward(frames.data(), size, 1, ones.data(), 1, filter.data());
    for (int64_t b = 0; b < blocks; ++b)
      for (int64_t k = 0; k < bins; ++k) {
        // Written out: std::complex's product checks for infinities.
        const double xr = spectra[b * bins + k].real(), xi = spectra[b * bins + k].imag();
        const double hr = filter[k].real(), hi = filter[k].imag();
        products[b * bins + k] = {xr * hr - xi * hi, xr * hi + xi * hr};
      }
    fft->inverse(products.data(), blocks, scale.data(), 1, frames.data());
    for (int64_t b = 0; b < blocks; ++b)
      std::copy_n(frames.begin() + b * size + taps - 1, std::min(hop, length - b * hop),
                  out.begin() + r * length + b * hop);
  });
}

}  // namespace sunder
