#include "audio/metrics/irm.h"

#include "audio/stft.h"

namespace sunder {
namespace {

constexpr double mask_eps = 1e-8;  // ertug/MixCycle, src/lib/utils.py

}  // namespace

Tensor ideal_ratio_mask(const Tensor& references, const Tensor& mixture, int64_t n_fft, int64_t hop_length) {
  check_dim("ideal_ratio_mask", "references", references, 2);
  check_shape("ideal_ratio_mask", "mixture", mixture, {references.size(1)});
  const int64_t sources = references.size(0), length = references.size(1);
  const Stft stft({n_fft, hop_length, "hann"}, DType::float64);
  const Tensor source_spectra = stft.forward(references.cast(DType::float64));  // (S, T, F)
  const Tensor mixture_spectrum = stft.forward(mixture.cast(DType::float64));   // (T, F)
  const Tensor masked = Tensor::empty_like(source_spectra);
  const int64_t bins = mixture_spectrum.numel();
  const complex128 *s = source_spectra.data<complex128>(), *x = mixture_spectrum.data<complex128>();
  for (int64_t i = 0; i < bins; ++i) {
    double total = mask_eps;
    for (int64_t source = 0; source < sources; ++source) total += std::abs(s[source * bins + i]);
    for (int64_t source = 0; source < sources; ++source)
      masked.mutable_data<complex128>()[source * bins + i] = std::abs(s[source * bins + i]) / total * x[i];
  }
  return stft.inverse(masked, length);
}

}  // namespace sunder
