#include "audio/auxiva.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <vector>

#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace sunder {
namespace {

using Complex = std::complex<double>;

constexpr int64_t bins_per_chunk = 8;
constexpr int64_t lanes = 8;             // frames are padded with zeros to a multiple of this
constexpr double smallest_norm = 1e-15;  // of a frame over all bins
constexpr double singular = 1e-13;       // a pivot below this share of the largest element

// std::complex' product looks for infinities.
SUNDER_INLINE Complex times(Complex a, Complex b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

double size_of(Complex z) { return std::abs(z.real()) + std::abs(z.imag()); }

// A dense row-major matrix.
struct Matrix {
  Matrix(int64_t rows, int64_t width) : columns(width), values(rows * width) {}
  Complex& operator()(int64_t row, int64_t column) { return values[row * columns + column]; }
  const Complex& operator()(int64_t row, int64_t column) const { return values[row * columns + column]; }

  int64_t columns;
  std::vector<Complex> values;
};

// a x = b in place of b, by Gaussian elimination with partial pivoting; a: (n, n) is overwritten. False for a singular
// matrix.
bool solve(Matrix& a, Matrix& b) {
  const int64_t n = a.columns;
  double largest = 0;
  for (const Complex& value : a.values) largest = std::max(largest, size_of(value));
  for (int64_t k = 0; k < n; ++k) {
    int64_t pivot = k;
    for (int64_t i = k + 1; i < n; ++i)
      if (size_of(a(i, k)) > size_of(a(pivot, k))) pivot = i;
    if (!(size_of(a(pivot, k)) > singular * largest)) return false;
    for (int64_t j = k; pivot != k && j < n; ++j) std::swap(a(k, j), a(pivot, j));
    for (int64_t j = 0; pivot != k && j < b.columns; ++j) std::swap(b(k, j), b(pivot, j));
    const Complex inverse = 1.0 / a(k, k);
    for (int64_t j = k + 1; j < n; ++j) a(k, j) = times(a(k, j), inverse);
    for (int64_t j = 0; j < b.columns; ++j) b(k, j) = times(b(k, j), inverse);
    for (int64_t i = k + 1; i < n; ++i) {
      for (int64_t j = k + 1; j < n; ++j) a(i, j) -= times(a(i, k), a(k, j));
      for (int64_t j = 0; j < b.columns; ++j) b(i, j) -= times(a(i, k), b(k, j));
    }
  }
  for (int64_t k = n - 1; k > 0; --k)
    for (int64_t i = 0; i < k; ++i)
      for (int64_t j = 0; j < b.columns; ++j) b(i, j) -= times(a(i, k), b(k, j));
  return true;
}

// Signals of `width` frames lie in rows of real parts, each followed by its row of imaginary parts.

// to += gain * signal, (2, width).
SUNDER_SIMD void add_scaled(const double* signal, int64_t width, double re, double im, double* to) {
#pragma omp simd
  for (int64_t t = 0; t < width; ++t) {
    to[t] += re * signal[t] - im * signal[width + t];
    to[width + t] += re * signal[width + t] + im * signal[t];
  }
}

// to[t] += |signal[t]|^2.
SUNDER_SIMD void add_energies(const double* signal, int64_t width, double* to) {
#pragma omp simd
  for (int64_t t = 0; t < width; ++t) to[t] += signal[t] * signal[t] + signal[width + t] * signal[width + t];
}

// Sums over the frames of weight x x^H, its lower triangle row by row. signals: (M, 2, width); scratch: (2, width).
SUNDER_SIMD void weighted_products(const double* signals, int64_t microphones, int64_t width, const double* weights,
                                   double* scratch, Complex* to) {
  for (int64_t i = 0; i < microphones; ++i) {
    const double *re = signals + 2 * i * width, *im = re + width;
    double* scaled_im = scratch + width;
#pragma omp simd
    for (int64_t t = 0; t < width; ++t) {
      scratch[t] = weights[t] * re[t];
      scaled_im[t] = weights[t] * im[t];
    }
    for (int64_t j = 0; j <= i; ++j) {
      const double *other_re = signals + 2 * j * width, *other_im = other_re + width;
      double sum_re = 0, sum_im = 0;
#pragma omp simd reduction(+ : sum_re, sum_im)
      for (int64_t t = 0; t < width; ++t) {
        sum_re += scratch[t] * other_re[t] + scaled_im[t] * other_im[t];
        sum_im += scaled_im[t] * other_re[t] - scratch[t] * other_im[t];
      }
      *to++ = {sum_re, sum_im};
    }
  }
}

// One bin of a recording with its demixing filters.
class Bin {
 public:
  // spectra: (M, T, F)
  template <class T>
  Bin(const std::complex<T>* spectra, int64_t microphones, int64_t frames, int64_t bins, int64_t f, int64_t sources)
      : sources_(sources),
        frames_(frames),
        width_((frames + lanes - 1) / lanes * lanes),
        signals_(2 * microphones * width_),
        filters_(microphones, microphones),
        mean_(1, 1) {
    for (int64_t m = 0; m < microphones; ++m)
      for (int64_t t = 0; t < frames; ++t) {
        const auto x = Complex(spectra[(m * frames + t) * bins + f]);
        signals_[2 * m * width_ + t] = x.real();
        signals_[(2 * m + 1) * width_ + t] = x.imag();
      }
    for (int64_t m = 0; m < microphones; ++m) filters_(m, m) = m < sources ? 1 : -1;
    std::vector<double> scratch(2 * width_);
    mean_ = covariance(std::vector<double>(width_, 1).data(), scratch.data());
    separate_background();
  }

  // Filtered signal `s`, (2, width).
  void demix(int64_t s, double* to) const {
    std::fill_n(to, 2 * width_, 0.0);
    for (int64_t m = 0; m < filters_.columns; ++m)
      add_scaled(&signals_[2 * m * width_], width_, filters_(s, m).real(), filters_(s, m).imag(), to);
  }

  // Iterative projection: with V the covariance weighted by `weights` (width), w = (W V)^-1 e_s, scaled to w^H V w = 1.
  // scratch: (2, width).
  void update(int64_t s, const double* weights, double* scratch) {
    const int64_t size = filters_.columns;
    const Matrix weighted = covariance(weights, scratch);
    Matrix product(size, size), solution(size, 1);
    for (int64_t i = 0; i < size; ++i) {
      const bool background = i >= sources_;  // (J, -I)
      for (int64_t k = 0; k < (background ? sources_ : size); ++k)
        for (int64_t j = 0; j < size; ++j) product(i, j) += times(filters_(i, k), weighted(k, j));
      for (int64_t j = 0; background && j < size; ++j) product(i, j) -= weighted(i, j);
    }
    solution(s, 0) = 1;
    if (!solve(product, solution)) return;
    double power = 0;
    for (int64_t i = 0; i < size; ++i) {
      Complex row = 0;
      for (int64_t j = 0; j < size; ++j) row += times(weighted(i, j), solution(j, 0));
      power += times(std::conj(solution(i, 0)), row).real();
    }
    if (!(power > 0)) return;
    for (int64_t m = 0; m < size; ++m) filters_(s, m) = std::conj(solution(m, 0)) / std::sqrt(power);
    separate_background();
  }

  int64_t width() const { return width_; }
  const double* first_microphone() const { return signals_.data(); }

 private:
  // Mean over the frames of weight x x^H.
  Matrix covariance(const double* weights, double* scratch) const {
    const int64_t size = filters_.columns;
    std::vector<Complex> sums(size * (size + 1) / 2);
    weighted_products(signals_.data(), size, width_, weights, scratch, sums.data());
    Matrix result(size, size);
    const Complex* next = sums.data();
    for (int64_t i = 0; i < size; ++i)
      for (int64_t j = 0; j <= i; ++j) {
        result(i, j) = *next++ / static_cast<double>(frames_);
        result(j, i) = std::conj(result(i, j));
      }
    return result;
  }

  // With more microphones than sources: the rest of the filters, (J, -I), makes signals that are uncorrelated with the
  // sources: J = (A^-1 B)^H for (A, B) = the sources' filters times the covariance (arXiv 1905.07880, eq. 9).
  void separate_background() {
    const int64_t size = filters_.columns, rest = size - sources_;
    if (rest == 0) return;
    Matrix left(sources_, sources_), right(sources_, rest);
    for (int64_t s = 0; s < sources_; ++s)
      for (int64_t k = 0; k < size; ++k)
        for (int64_t j = 0; j < size; ++j)
          (j < sources_ ? left(s, j) : right(s, j - sources_)) += times(filters_(s, k), mean_(k, j));
    if (!solve(left, right)) return;
    for (int64_t i = 0; i < rest; ++i)
      for (int64_t s = 0; s < sources_; ++s) filters_(sources_ + i, s) = std::conj(right(s, i));
  }

  const int64_t sources_, frames_, width_;
  std::vector<double> signals_;  // (M, 2, width)
  Matrix filters_;               // (M, M), those of the sources first
  Matrix mean_;                  // covariance of the microphones
};

class Separation {
 public:
  template <class T>
  Separation(const std::complex<T>* spectra, int64_t microphones, int64_t frames, int64_t bins, int64_t sources)
      : frames_(frames), sources_(sources) {
    bins_.reserve(bins);
    for (int64_t f = 0; f < bins; ++f) bins_.emplace_back(spectra, microphones, frames, bins, f, sources);
    width_ = bins_[0].width();
  }

  void iterate() {
    const std::vector<double> weights = frame_weights();
    parallel_for(size(), bins_per_chunk, [&](int64_t begin, int64_t end) {
      std::vector<double> scratch(2 * width_);
      for (int64_t f = begin; f < end; ++f)
        for (int64_t s = 0; s < sources_; ++s) bins_[f].update(s, &weights[s * width_], scratch.data());
    });
  }

  // result: (S, T, F)
  template <class T>
  void project_back(std::complex<T>* result) const {
    parallel_for(size(), bins_per_chunk, [&](int64_t begin, int64_t end) {
      std::vector<double> signal(2 * width_);
      const auto at = [&](const double* from, int64_t t) { return Complex(from[t], from[width_ + t]); };
      for (int64_t f = begin; f < end; ++f)
        for (int64_t s = 0; s < sources_; ++s) {
          bins_[f].demix(s, signal.data());
          Complex common = 0;
          double energy = 0;
          for (int64_t t = 0; t < frames_; ++t) {
            common += times(std::conj(at(signal.data(), t)), at(bins_[f].first_microphone(), t));
            energy += std::norm(at(signal.data(), t));
          }
          const Complex gain = energy > 0 ? common / energy : 0;
          for (int64_t t = 0; t < frames_; ++t)
            result[(s * frames_ + t) * size() + f] = std::complex<T>(times(gain, at(signal.data(), t)));
        }
    });
  }

 private:
  int64_t size() const { return static_cast<int64_t>(bins_.size()); }

  // 1 / (2 |y|) of every source and frame, the norm over all bins: (S, width).
  std::vector<double> frame_weights() const {
    const int64_t count = sources_ * width_, chunks = (size() + bins_per_chunk - 1) / bins_per_chunk;
    std::vector<double> energies(chunks * count);
    parallel_for(size(), bins_per_chunk, [&](int64_t begin, int64_t end) {
      std::vector<double> signal(2 * width_);
      for (int64_t f = begin; f < end; ++f)
        for (int64_t s = 0; s < sources_; ++s) {
          bins_[f].demix(s, signal.data());
          add_energies(signal.data(), width_, &energies[begin / bins_per_chunk * count + s * width_]);
        }
    });
    std::vector<double> weights(count);
    for (int64_t i = 0; i < count; ++i) {
      double energy = 0;
      for (int64_t chunk = 0; chunk < chunks; ++chunk) energy += energies[chunk * count + i];
      weights[i] = 1 / std::max(2 * std::sqrt(energy), smallest_norm);
    }
    return weights;
  }

  const int64_t frames_, sources_;
  int64_t width_ = 0;  // frames with padding
  std::vector<Bin> bins_;
};

}  // namespace

Tensor auxiva(const Tensor& spectra, const AuxIvaOptions& options) {
  check_dim("auxiva", "spectra", spectra, 3);
  if (!is_complex(spectra.dtype()) || spectra.device().is_cuda())
    throw_error("[auxiva] expected complex spectra on the CPU, got {}", describe(spectra));
  const int64_t microphones = spectra.size(0), frames = spectra.size(1), bins = spectra.size(2);
  if (options.sources < 1 || options.sources > microphones)
    throw_error("[auxiva] expected 1 to {} sources, as many as microphones, got {}", microphones, options.sources);
  Tensor result = Tensor::empty({options.sources, frames, bins}, spectra.dtype());
  if (result.numel() == 0) return result;
  const auto run = [&]<class T>(const std::complex<T>* from, std::complex<T>* to) {
    Separation separation(from, microphones, frames, bins, options.sources);
    for (int64_t i = 0; i < options.iterations; ++i) separation.iterate();
    separation.project_back(to);
  };
  if (spectra.dtype() == DType::complex64)
    run(spectra.data<std::complex<float>>(), result.mutable_data<std::complex<float>>());
  else run(spectra.data<Complex>(), result.mutable_data<Complex>());
  return result;
}

}  // namespace sunder
