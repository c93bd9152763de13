#include "tensor/ops/relative_spectra.h"

#include <cmath>
#include <vector>

#include "tensor/parallel.h"
#include "tensor/simd.h"
#include "tensor/vector_math.h"

namespace sunder {
namespace {

// One frame. spectra: pairs, the microphones `stride` reals apart; features: (bins, 2 microphones).
template <class T>
SUNDER_SIMD void relative_frame(const T* spectra, int64_t stride, int64_t microphones, int64_t bins, T exponent,
                                T* features, T* first_log) {
  constexpr T floor = static_cast<T>(relative_spectra_floor);
  const int64_t width = 2 * microphones;
#pragma omp simd
  for (int64_t f = 0; f < bins; ++f) {
    const T re = spectra[2 * f], im = spectra[2 * f + 1];
    first_log[f] = T(0.5) * fast_log(re * re + im * im + floor);
    features[f * width] = fast_exp(first_log[f]);
    features[f * width + microphones] = fast_exp(exponent * first_log[f]);
  }
  for (int64_t m = 1; m < microphones; ++m) {
    const T* y = spectra + m * stride;
#pragma omp simd
    for (int64_t f = 0; f < bins; ++f) {
      const T re = y[2 * f], im = y[2 * f + 1], first_re = spectra[2 * f], first_im = spectra[2 * f + 1];
      const T own_log = T(0.5) * fast_log(re * re + im * im + floor);
      const T factor = fast_exp((exponent - T(1)) * own_log - first_log[f]);
      features[f * width + m] = factor * (re * first_re + im * first_im);
      features[f * width + microphones + m] = factor * (im * first_re - re * first_im);
    }
  }
}

}  // namespace

void cpu::relative_spectra(const Tensor& spectra, double exponent, Tensor& features) {
  const int64_t microphones = spectra.size(1), frames = spectra.size(2), bins = spectra.size(3);
  visit_real("relative_spectra", features.dtype(), [&]<class T>() {
    const T* from = reinterpret_cast<const T*>(spectra.raw());
    parallel_for(spectra.size(0) * frames, 16, [&](int64_t begin, int64_t end) {
      std::vector<T> first_log(bins);
      for (int64_t row = begin; row < end; ++row) {
        const T* frame = from + 2 * bins * (row / frames * microphones * frames + row % frames);
        relative_frame(frame, 2 * frames * bins, microphones, bins, static_cast<T>(exponent),
                       features.mutable_data<T>() + row * bins * 2 * microphones, first_log.data());
      }
    });
  });
}

Tensor relative_spectra(const Tensor& spectra, double exponent) {
  check_dim("relative_spectra", "spectra", spectra, 4);
  if (!is_complex(spectra.dtype()))
    throw_error("[relative_spectra] expected complex spectra, got {}", describe(spectra));
  if (spectra.size(1) == 0) throw_error("[relative_spectra] expected at least one microphone, got 0");
  if (!(exponent > 0 && exponent <= 1))
    throw_error("[relative_spectra] expected an exponent above 0 and at most 1, got {}", exponent);
  Tensor features = Tensor::empty({spectra.size(0), spectra.size(2), spectra.size(3), 2 * spectra.size(1)},
                                  real_of(spectra.dtype()), spectra.stream());
  SUNDER_DISPATCH(relative_spectra, spectra.device())(spectra, exponent, features);
  return features;
}

}  // namespace sunder
