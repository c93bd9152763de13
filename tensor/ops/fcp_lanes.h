// The building blocks of fcp's CPU kernels: eight frequencies side by side in SIMD lanes, complex128. All loops below
// are over frames and taps; a matrix of 21 x 21 is far too small for LAPACK to be fast, eight at once are not.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "tensor/simd.h"

namespace sunder::fcp_lanes {

inline constexpr int64_t width = 8;  // lanes: one cache line, one AVX-512 register
typedef double Lanes __attribute__((vector_size(64), may_alias));
typedef int64_t Flags __attribute__((vector_size(64), may_alias));  // -1: true

struct Complex {
  Lanes re, im;
};

inline constexpr Lanes zero = {};
inline constexpr Complex none = {zero, zero};

SUNDER_INLINE void add_product(Complex& sum, const Complex& a, const Complex& b) {
  sum.re += a.re * b.re;
  sum.re -= a.im * b.im;
  sum.im += a.re * b.im;
  sum.im += a.im * b.re;
}
SUNDER_INLINE void add_conjugate_product(Complex& sum, const Complex& a, const Complex& b) {  // conj(a) b
  sum.re += a.re * b.re;
  sum.re += a.im * b.im;
  sum.im += a.re * b.im;
  sum.im -= a.im * b.re;
}

// Calls f<n>(first) for blocks of four and one of what is left over.
template <class F>
SUNDER_INLINE void in_fours(int64_t count, const F& f) {
  int64_t first = 0;
  for (; first + 4 <= count; first += 4) f.template operator()<4>(first);
  if (count - first == 3) f.template operator()<3>(first);
  if (count - first == 2) f.template operator()<2>(first);
  if (count - first == 1) f.template operator()<1>(first);
}

// a[j] += sum over u < count of p[u] w[u - j], j < n.
template <int n>
SUNDER_INLINE void add_weighted(const Complex* p, const Lanes* w, int64_t count, Complex* a) {
  Complex sum[n];
  for (int j = 0; j < n; ++j) sum[j] = a[j];
  for (int64_t u = 0; u < count; ++u) {
    const Complex x = p[u];
#pragma GCC unroll 4
    for (int j = 0; j < n; ++j) {
      sum[j].re += x.re * w[u - j];
      sum[j].im += x.im * w[u - j];
    }
  }
  for (int j = 0; j < n; ++j) a[j] = sum[j];
}

inline constexpr int64_t tile = 128;  // frames: products and weights of a tile stay in the first cache

// gram += sum_t z[t + i] conj(z[t + j]) w[t] for every group of weights. The product depends on u = t + j and the lag i
// - j alone: it is computed once per lag and multiplied by every weight. z: (T + K - 1); weights: `groups` of them
// `stride` apart, w[t] = 0 outside 0 <= t < T for K - 1 frames; gram: (groups, K (K + 1) / 2), lag by lag, j ascending.
SUNDER_INLINE void add_gram(const Complex* z, const Lanes* weights, int64_t groups, int64_t stride, int64_t frames,
                            int64_t taps, Complex* gram) {
  Complex products[tile];
  for (int64_t begin = 0; begin < frames; begin += tile) {
    for (int64_t lag = 0, at = 0; lag < taps; at += taps - lag, ++lag) {
      const int64_t count = std::min(tile, frames - lag - begin);
      for (int64_t u = 0; u < count; ++u) {
        products[u] = none;
        add_conjugate_product(products[u], z[begin + u], z[begin + u + lag]);
      }
      for (int64_t group = 0; group < groups; ++group) {
        const Lanes* w = weights + group * stride + begin;
        Complex* a = gram + group * (taps * (taps + 1) / 2) + at;
        in_fours(
            taps - lag, [&]<int n>(int64_t j)
                            __attribute__((always_inline)) { add_weighted<n>(products, w - j, count, a + j); });
      }
    }
  }
}

// b[i] = sum over u < frames of z[u] v[u - i], i < taps.
SUNDER_INLINE void correlate(const Complex* z, const Complex* v, int64_t frames, int64_t taps, Complex* b) {
  in_fours(
      taps, [&]<int n>(int64_t i) __attribute__((always_inline)) {
        Complex sum[n] = {};
        for (int64_t u = 0; u < frames; ++u) {
          const Complex x = z[u];
#pragma GCC unroll 4
          for (int k = 0; k < n; ++k) add_product(sum[k], x, v[u - i - k]);
        }
        for (int k = 0; k < n; ++k) b[i + k] = sum[k];
      });
}

// x[t] = sum over i of conj(g[i]) z[t + i], t < count.
SUNDER_INLINE void filter(const Complex* g, const Complex* z, int64_t count, int64_t taps, Complex* x) {
  in_fours(
      count, [&]<int n>(int64_t t) __attribute__((always_inline)) {
        Complex sum[n] = {};
        for (int64_t i = 0; i < taps; ++i) {
          const Complex tap = g[i];
#pragma GCC unroll 4
          for (int k = 0; k < n; ++k) add_conjugate_product(sum[k], tap, z[t + i + k]);
        }
        for (int k = 0; k < n; ++k) x[t + k] = sum[k];
      });
}

// y[t] += sum over i of g[i] x[t - i], t < count.
SUNDER_INLINE void add_convolution(const Complex* g, const Complex* x, int64_t count, int64_t taps, Complex* y) {
  in_fours(
      count, [&]<int n>(int64_t t) __attribute__((always_inline)) {
        Complex sum[n];
        for (int k = 0; k < n; ++k) sum[k] = y[t + k];
        for (int64_t i = 0; i < taps; ++i) {
          const Complex tap = g[i];
#pragma GCC unroll 4
          for (int k = 0; k < n; ++k) add_product(sum[k], tap, x[t + k - i]);
        }
        for (int k = 0; k < n; ++k) y[t + k] = sum[k];
      });
}

// L of A = L L^H by rows, with 1 / L[i][i] on the diagonal; zeros in the lanes that are returned as failed, where a
// pivot is not above `floor` times its diagonal entry, or not finite. gram: as add_gram leaves it; its diagonal grows
// by `loading` times its mean.
SUNDER_INLINE Flags factorise(const Complex* gram, int64_t taps, double loading, double floor, Complex* l) {
  Lanes trace = zero;
  for (int64_t i = 0; i < taps; ++i) trace += gram[i].re;
  const Lanes added = trace * (loading / static_cast<double>(taps));
  Flags good = ~Flags{};
  const auto row = [&](int64_t i) { return l + i * (i + 1) / 2; };
  for (int64_t i = 0; i < taps; ++i) {
    for (int64_t j = 0; j <= i; ++j) {
      const int64_t lag = i - j;
      Complex sum = none;  // what is subtracted
      for (int64_t k = 0; k < j; ++k) add_conjugate_product(sum, row(j)[k], row(i)[k]);
      const Complex a = gram[lag * taps - lag * (lag - 1) / 2 + j];
      if (j < i) {
        row(i)[j] = {(a.re - sum.re) * row(j)[j].re, (a.im - sum.im) * row(j)[j].re};
        continue;
      }
      const Lanes entry = a.re + added, pivot = entry - sum.re;
      const Flags usable = (pivot > entry * floor) & (pivot < zero + HUGE_VAL);
      good &= usable;
      const Lanes safe = usable ? pivot : zero + 1.0;
      Lanes inverse;
      for (int lane = 0; lane < width; ++lane) inverse[lane] = 1 / std::sqrt(safe[lane]);
      row(i)[i] = {inverse, zero};
    }
  }
  for (int64_t i = 0; i < taps * (taps + 1) / 2; ++i) l[i] = {good ? l[i].re : zero, good ? l[i].im : zero};
  return ~good;
}

// x = (L L^H)^-1 x
SUNDER_INLINE void solve(const Complex* l, int64_t taps, Complex* x) {
  const auto row = [&](int64_t i) { return l + i * (i + 1) / 2; };
  for (int64_t i = 0; i < taps; ++i) {
    Complex sum = none;
    for (int64_t k = 0; k < i; ++k) add_product(sum, row(i)[k], x[k]);
    x[i] = {(x[i].re - sum.re) * row(i)[i].re, (x[i].im - sum.im) * row(i)[i].re};
  }
  for (int64_t i = taps - 1; i >= 0; --i) {
    Complex sum = none;
    for (int64_t k = i + 1; k < taps; ++k) add_conjugate_product(sum, row(k)[i], x[k]);
    x[i] = {(x[i].re - sum.re) * row(i)[i].re, (x[i].im - sum.im) * row(i)[i].re};
  }
}

// Rows of interleaved complex numbers, `stride` reals apart, of which the first `lanes` columns are used; zeros beyond.
template <class T>
SUNDER_INLINE void gather(const T* from, int64_t rows, int64_t stride, int64_t lanes, Complex* to) {
  for (int64_t row = 0; row < rows; ++row, from += stride) {
    to[row] = none;
    for (int64_t lane = 0; lane < lanes; ++lane) {
      to[row].re[lane] = static_cast<double>(from[2 * lane]);
      to[row].im[lane] = static_cast<double>(from[2 * lane + 1]);
    }
  }
}
template <class T>
SUNDER_INLINE void scatter(const Complex* from, int64_t rows, int64_t stride, int64_t lanes, T* to) {
  for (int64_t row = 0; row < rows; ++row, to += stride)
    for (int64_t lane = 0; lane < lanes; ++lane) {
      to[2 * lane] = static_cast<T>(from[row].re[lane]);
      to[2 * lane + 1] = static_cast<T>(from[row].im[lane]);
    }
}

// 1 / lambda, 0 where lambda is not above 0; NaN stays NaN.
template <class T>
SUNDER_INLINE void gather_inverse(const T* from, int64_t rows, int64_t stride, int64_t lanes, Lanes* to) {
  for (int64_t row = 0; row < rows; ++row, from += stride) {
    Lanes value = zero;
    for (int64_t lane = 0; lane < lanes; ++lane) value[lane] = static_cast<double>(from[lane]);
    to[row] = value <= zero ? zero : 1.0 / value;
  }
}

}  // namespace sunder::fcp_lanes
