#include "audio/auxiva_bin.h"

#include <algorithm>
#include <cmath>

#include "tensor/simd.h"

namespace sunder {
namespace {

using Complex = complex128;
using Matrix = ComplexMatrix;

constexpr int64_t lanes = 8;        // frames are padded with zeros to a multiple of this
constexpr double singular = 1e-13;  // a pivot below this share of the largest element

// std::complex' product looks for infinities.
SUNDER_INLINE Complex times(Complex a, Complex b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

double size_of(Complex z) { return std::abs(z.real()) + std::abs(z.imag()); }

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

// to += gain * signal, (2, width).
SUNDER_SIMD void add_scaled(const double* signal, int64_t width, double re, double im, double* to) {
#pragma omp simd
  for (int64_t t = 0; t < width; ++t) {
    to[t] += re * signal[t] - im * signal[width + t];
    to[width + t] += re * signal[width + t] + im * signal[t];
  }
}

// to[t] += |signal[t]|^2.
SUNDER_SIMD void add_squares(const double* signal, int64_t width, double* to) {
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

}  // namespace

AuxIvaBin::AuxIvaBin(int64_t microphones, int64_t frames, int64_t sources)
    : sources_(sources),
      frames_(frames),
      width_((frames + lanes - 1) / lanes * lanes),
      signals_(2 * microphones * width_),
      filters_(microphones, microphones),
      mean_(microphones, microphones) {
  for (int64_t m = 0; m < microphones; ++m) filters_(m, m) = m < sources ? 1 : -1;
}

void AuxIvaBin::set(int64_t microphone, int64_t frame, Complex value) {
  signals_[2 * microphone * width_ + frame] = value.real();
  signals_[(2 * microphone + 1) * width_ + frame] = value.imag();
}

void AuxIvaBin::begin() {
  std::vector<double> scratch(2 * width_);
  mean_ = covariance(std::vector<double>(width_, 1).data(), scratch.data());
  separate_background();
}

void AuxIvaBin::demix(int64_t s, double* to) const {
  std::fill_n(to, 2 * width_, 0.0);
  for (int64_t m = 0; m < filters_.columns; ++m)
    add_scaled(&signals_[2 * m * width_], width_, filters_(s, m).real(), filters_(s, m).imag(), to);
}

void AuxIvaBin::add_energies(int64_t s, double* scratch, double* to) const {
  demix(s, scratch);
  add_squares(scratch, width_, to);
}

void AuxIvaBin::update(int64_t s, const double* weights, double* scratch) {
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

// Mean over the frames of weight x x^H.
Matrix AuxIvaBin::covariance(const double* weights, double* scratch) const {
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
void AuxIvaBin::separate_background() {
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

}  // namespace sunder
