#include "audio/auxiva.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <vector>

#include "tensor/error.h"
#include "tensor/parallel.h"

namespace sunder {
namespace {

using Complex = std::complex<double>;

constexpr int64_t bins_per_chunk = 8;
constexpr double smallest_norm = 1e-15;  // of a frame over all bins
constexpr double singular = 1e-13;       // a pivot below this share of the largest element

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
  for (const Complex& value : a.values) largest = std::max(largest, std::abs(value));
  for (int64_t k = 0; k < n; ++k) {
    int64_t pivot = k;
    for (int64_t i = k + 1; i < n; ++i)
      if (std::abs(a(i, k)) > std::abs(a(pivot, k))) pivot = i;
    if (!(std::abs(a(pivot, k)) > singular * largest)) return false;
    for (int64_t j = 0; pivot != k && j < n; ++j) std::swap(a(k, j), a(pivot, j));
    for (int64_t j = 0; pivot != k && j < b.columns; ++j) std::swap(b(k, j), b(pivot, j));
    for (int64_t i = 0; i < n; ++i) {
      if (i == k) continue;
      const Complex factor = a(i, k) / a(k, k);
      for (int64_t j = k; j < n; ++j) a(i, j) -= factor * a(k, j);
      for (int64_t j = 0; j < b.columns; ++j) b(i, j) -= factor * b(k, j);
    }
  }
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < b.columns; ++j) b(i, j) /= a(i, i);
  return true;
}

// One bin of a recording with its demixing filters.
class Bin {
 public:
  // spectra: (M, T, F)
  template <class T>
  Bin(const std::complex<T>* spectra, int64_t microphones, int64_t frames, int64_t bins, int64_t f, int64_t sources)
      : sources_(sources), signals_(microphones, frames), filters_(microphones, microphones), mean_(1, 1) {
    for (int64_t m = 0; m < microphones; ++m)
      for (int64_t t = 0; t < frames; ++t) signals_(m, t) = Complex(spectra[(m * frames + t) * bins + f]);
    for (int64_t m = 0; m < microphones; ++m) filters_(m, m) = m < sources ? 1 : -1;
    mean_ = covariance(nullptr);
    separate_background();
  }

  // Filtered signal `s`, (T).
  void demix(int64_t s, Complex* to) const {
    const int64_t frames = signals_.columns;
    std::fill_n(to, frames, Complex(0));
    for (int64_t m = 0; m < filters_.columns; ++m) {
      const double re = filters_(s, m).real(), im = filters_(s, m).imag();
      for (int64_t t = 0; t < frames; ++t) {
        const Complex x = signals_(m, t);
        to[t] += Complex(re * x.real() - im * x.imag(), re * x.imag() + im * x.real());
      }
    }
  }

  // Iterative projection: with V the covariance weighted by `weights` (T), w = (W V)^-1 e_s, scaled to w^H V w = 1.
  void update(int64_t s, const double* weights) {
    const int64_t size = filters_.columns;
    const Matrix weighted = covariance(weights);
    Matrix product(size, size), solution(size, 1);
    for (int64_t i = 0; i < size; ++i)
      for (int64_t k = 0; k < size; ++k)
        for (int64_t j = 0; j < size; ++j) product(i, j) += filters_(i, k) * weighted(k, j);
    solution(s, 0) = 1;
    if (!solve(product, solution)) return;
    Complex power = 0;
    for (int64_t i = 0; i < size; ++i)
      for (int64_t j = 0; j < size; ++j) power += std::conj(solution(i, 0)) * weighted(i, j) * solution(j, 0);
    if (!(power.real() > 0)) return;
    for (int64_t m = 0; m < size; ++m) filters_(s, m) = std::conj(solution(m, 0)) / std::sqrt(power.real());
    separate_background();
  }

  const Complex* first_microphone() const { return signals_.values.data(); }

 private:
  // Mean over the frames of weight x x^H; all weights are 1 without `weights`.
  Matrix covariance(const double* weights) const {
    const int64_t size = filters_.columns, frames = signals_.columns;
    Matrix result(size, size);
    for (int64_t i = 0; i < size; ++i)
      for (int64_t j = 0; j <= i; ++j) {
        const Complex *a = &signals_(i, 0), *b = &signals_(j, 0);
        double re = 0, im = 0;
        for (int64_t t = 0; t < frames; ++t) {
          const double weight = weights ? weights[t] : 1;
          re += weight * (a[t].real() * b[t].real() + a[t].imag() * b[t].imag());
          im += weight * (a[t].imag() * b[t].real() - a[t].real() * b[t].imag());
        }
        result(i, j) = Complex(re, im) / static_cast<double>(frames);
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
          (j < sources_ ? left(s, j) : right(s, j - sources_)) += filters_(s, k) * mean_(k, j);
    if (!solve(left, right)) return;
    for (int64_t i = 0; i < rest; ++i)
      for (int64_t s = 0; s < sources_; ++s) filters_(sources_ + i, s) = std::conj(right(s, i));
  }

  const int64_t sources_;
  Matrix signals_;  // (M, T)
  Matrix filters_;  // (M, M), those of the sources first
  Matrix mean_;     // covariance of the microphones
};

class Separation {
 public:
  template <class T>
  Separation(const std::complex<T>* spectra, int64_t microphones, int64_t frames, int64_t bins, int64_t sources)
      : frames_(frames), sources_(sources) {
    bins_.reserve(bins);
    for (int64_t f = 0; f < bins; ++f) bins_.emplace_back(spectra, microphones, frames, bins, f, sources);
  }

  void iterate() {
    const std::vector<double> weights = frame_weights();
    parallel_for(size(), bins_per_chunk, [&](int64_t begin, int64_t end) {
      for (int64_t f = begin; f < end; ++f)
        for (int64_t s = 0; s < sources_; ++s) bins_[f].update(s, &weights[s * frames_]);
    });
  }

  // result: (S, T, F)
  template <class T>
  void project_back(std::complex<T>* result) const {
    parallel_for(size(), bins_per_chunk, [&](int64_t begin, int64_t end) {
      std::vector<Complex> signal(frames_);
      for (int64_t f = begin; f < end; ++f)
        for (int64_t s = 0; s < sources_; ++s) {
          bins_[f].demix(s, signal.data());
          Complex common = 0;
          double energy = 0;
          for (int64_t t = 0; t < frames_; ++t) {
            common += std::conj(signal[t]) * bins_[f].first_microphone()[t];
            energy += std::norm(signal[t]);
          }
          const Complex gain = energy > 0 ? common / energy : 0;
          for (int64_t t = 0; t < frames_; ++t)
            result[(s * frames_ + t) * size() + f] = std::complex<T>(gain * signal[t]);
        }
    });
  }

 private:
  int64_t size() const { return static_cast<int64_t>(bins_.size()); }

  // 1 / (2 |y|) of every source and frame, the norm over all bins: (S, T).
  std::vector<double> frame_weights() const {
    const int64_t count = sources_ * frames_, chunks = (size() + bins_per_chunk - 1) / bins_per_chunk;
    std::vector<double> energies(chunks * count);
    parallel_for(size(), bins_per_chunk, [&](int64_t begin, int64_t end) {
      std::vector<Complex> signal(frames_);
      double* sums = &energies[begin / bins_per_chunk * count];
      for (int64_t f = begin; f < end; ++f)
        for (int64_t s = 0; s < sources_; ++s) {
          bins_[f].demix(s, signal.data());
          for (int64_t t = 0; t < frames_; ++t) sums[s * frames_ + t] += std::norm(signal[t]);
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
