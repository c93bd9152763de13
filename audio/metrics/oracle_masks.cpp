#include "audio/metrics/oracle_masks.h"

#include <algorithm>
#include <vector>

#include "tensor/ops/istft.h"
#include "tensor/ops/stft.h"

namespace sunder {
namespace {

constexpr double ratio_eps = 1e-8;  // ertug/MixCycle, src/lib/utils.py

// gains(S_1 ... S_S, X, g_1 ... g_S) sets the mask of each source in one bin.
template <class Gains>
Tensor masked(const char* op, const Tensor& references, const Tensor& mixture, int64_t n_fft, int64_t hop_length,
              const Gains& gains) {
  check_dim(op, "references", references, 2);
  check_shape(op, "mixture", mixture, {references.size(1)});
  const int64_t sources = references.size(0), length = references.size(1);
  const Tensor window = make_window("hann", n_fft, DType::float64);
  const Tensor source_spectra = stft(references.cast(DType::float64), window, hop_length);  // (S, T, F)
  const Tensor mixture_spectrum = stft(mixture.cast(DType::float64), window, hop_length);   // (T, F)
  const Tensor estimates = Tensor::empty_like(source_spectra);
  const int64_t bins = mixture_spectrum.numel();
  const complex128 *s = source_spectra.data<complex128>(), *x = mixture_spectrum.data<complex128>();
  std::vector<complex128> bin(sources);
  std::vector<double> gain(sources);
  for (int64_t i = 0; i < bins; ++i) {
    for (int64_t source = 0; source < sources; ++source) bin[source] = s[source * bins + i];
    gains(bin, x[i], gain);
    for (int64_t source = 0; source < sources; ++source)
      estimates.mutable_data<complex128>()[source * bins + i] = gain[source] * x[i];
  }
  return istft(estimates, window, hop_length, length);
}

using Bin = std::vector<complex128>;

}  // namespace

Tensor ideal_ratio_mask(const Tensor& references, const Tensor& mixture, int64_t n_fft, int64_t hop_length) {
  return masked("ideal_ratio_mask", references, mixture, n_fft, hop_length,
                [](const Bin& s, complex128, std::vector<double>& gain) {
                  double total = ratio_eps;
                  for (const complex128 value : s) total += std::abs(value);
                  for (size_t i = 0; i < s.size(); ++i) gain[i] = std::abs(s[i]) / total;
                });
}

Tensor ideal_binary_mask(const Tensor& references, const Tensor& mixture, int64_t n_fft, int64_t hop_length) {
  return masked("ideal_binary_mask", references, mixture, n_fft, hop_length,
                [](const Bin& s, complex128, std::vector<double>& gain) {
                  size_t loudest = 0;
                  for (size_t i = 1; i < s.size(); ++i)
                    if (std::norm(s[i]) > std::norm(s[loudest])) loudest = i;
                  for (size_t i = 0; i < s.size(); ++i) gain[i] = i == loudest ? 1 : 0;
                });
}

Tensor phase_sensitive_mask(const Tensor& references, const Tensor& mixture, int64_t n_fft, int64_t hop_length) {
  return masked("phase_sensitive_mask", references, mixture, n_fft, hop_length,
                [](const Bin& s, complex128 x, std::vector<double>& gain) {
                  const double power = std::norm(x);
                  for (size_t i = 0; i < s.size(); ++i)
                    gain[i] = power == 0 ? 0 : std::clamp((s[i] * std::conj(x)).real() / power, 0.0, 1.0);
                });
}

}  // namespace sunder
