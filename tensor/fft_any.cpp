// Transforms of any size. They are rare, so the code is simple: a complex transform of the full size in double.
#include <kissfft.hh>

#include "tensor/fft.h"

namespace sunder {
namespace {

using Complex = std::complex<double>;

template <class T>
class AnyFft : public RealFft<T> {
 public:
  explicit AnyFft(int64_t size) : RealFft<T>(size), forward_(size, false), inverse_(size, true) {}

  void forward(const T* frames, int64_t stride, int64_t count, const T* window, T middle,
               std::complex<T>* spectra) const override {
    const int64_t size = this->size(), bins = this->bins();
    const kissfft<double> plan = forward_;  // a copy: kissfft's odd factors use scratch memory of the plan
    std::vector<Complex> frame(size), spectrum(size);
    for (int64_t row = 0; row < count; ++row, frames += stride, spectra += bins) {
      for (int64_t n = 0; n < size; ++n) frame[n] = static_cast<double>(window[n]) * frames[n];
      plan.transform(frame.data(), spectrum.data());
      for (int64_t k = 0; k < bins; ++k) {
        const Complex value = is_real_bin(k) ? Complex(spectrum[k].real()) : spectrum[k] * static_cast<double>(middle);
        spectra[k] = {static_cast<T>(value.real()), static_cast<T>(value.imag())};
      }
    }
  }

  void inverse(const std::complex<T>* spectra, int64_t count, const T* window, T middle, T* frames) const override {
    const int64_t size = this->size(), bins = this->bins();
    const kissfft<double> plan = inverse_;
    std::vector<Complex> spectrum(size), frame(size);
    for (int64_t row = 0; row < count; ++row, spectra += bins, frames += size) {
      for (int64_t k = 0; k < bins; ++k) {
        const Complex value = spectra[k];
        if (is_real_bin(k)) {
          spectrum[k] = value.real();
        } else {
          spectrum[k] = value * static_cast<double>(middle);
          spectrum[size - k] = std::conj(spectrum[k]);
        }
      }
      plan.transform(spectrum.data(), frame.data());
      for (int64_t n = 0; n < size; ++n) frames[n] = static_cast<T>(window[n] * frame[n].real());
    }
  }

 private:
  bool is_real_bin(int64_t k) const { return k == 0 || 2 * k == this->size(); }

  kissfft<double> forward_, inverse_;
};

}  // namespace

template <class T>
std::unique_ptr<RealFft<T>> make_any_fft(int64_t size) {
  return std::make_unique<AnyFft<T>>(size);
}

template std::unique_ptr<RealFft<float>> make_any_fft(int64_t);
template std::unique_ptr<RealFft<double>> make_any_fft(int64_t);

}  // namespace sunder
