// Fourier transforms of rows of real numbers: frames of a signal to one-sided spectra and back.
#pragma once

#include <complex>
#include <cstdint>
#include <memory>

namespace sunder {

// Transforms of one size N. Several threads may use one object.
template <class T>  // float, double
class RealFft {
 public:
  virtual ~RealFft() = default;

  int64_t size() const { return size_; }
  int64_t bins() const { return size_ / 2 + 1; }

  // spectra[r][k] = factor_k * sum over n of window[n] * frames[r * stride + n] * e^(-2 pi i k n / N), r < count.
  // frames: `count` rows of N, `stride` apart (they may overlap); window: (N); spectra: (count, N / 2 + 1).
  // factor_k is 1 for the bins that are real by nature (0 and, if N is even, N / 2) and `middle` for all others.
  virtual void forward(const T* frames, int64_t stride, int64_t count, const T* window, T middle,
                       std::complex<T>* spectra) const = 0;

  // frames[r][n] = window[n] * Re sum over k of factor_k * c_k * spectra[r][k] * e^(2 pi i k n / N), where c_k is 1 for
  // the bins that are real by nature, whose imaginary parts are ignored, and 2 for all others. Not divided by N.
  virtual void inverse(const std::complex<T>* spectra, int64_t count, const T* window, T middle, T* frames) const = 0;

 protected:
  explicit RealFft(int64_t size) : size_(size) {}

 private:
  int64_t size_;
};

// The number of sizes that real_fft caches per type; the least recently used is evicted.
inline constexpr size_t fft_cache_limit = 16;

// The transforms of size N, from a cache. Throws Error for a size below 1.
template <class T>
std::shared_ptr<const RealFft<T>> real_fft(int64_t size);

// What real_fft chooses from. Powers of two from 4 on: 16 (float) or 8 (double) frames side by side in vector lanes.
template <class T>
std::unique_ptr<RealFft<T>> make_lane_fft(int64_t size);
// Any size: kissfft in double precision, frame by frame.
template <class T>
std::unique_ptr<RealFft<T>> make_any_fft(int64_t size);

}  // namespace sunder
