// Sums over samples in float64 for the CPU kernels of pit_snr and mixit_snr. A float64 sum is one chain of dependent
// additions per vector register, whose latency limits these loops: so four sums run side by side, over samples in the
// cache.
#pragma once

#include <algorithm>
#include <cstdint>

#include "tensor/simd.h"

namespace sunder {

// Samples of an item per task; there is one partial sum per block.
inline constexpr int64_t snr_block = 2048;
// Samples that are widened to float64 at a time: 24 KiB for six signals.
inline constexpr int64_t snr_tile = 512;

inline int64_t snr_blocks(int64_t length) { return (length + snr_block - 1) / snr_block; }

template <class T>
SUNDER_SIMD double sum_of_squares(const T* x, int64_t n) {
  const int64_t quarter = n / 4;
  double sum[4] = {};
  for (int64_t i = 4 * quarter; i < n; ++i) sum[0] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  double &a = sum[0], &b = sum[1], &c = sum[2], &d = sum[3];
#pragma omp simd reduction(+ : a, b, c, d)
  for (int64_t i = 0; i < quarter; ++i) {
    const double xa = x[i], xb = x[quarter + i], xc = x[2 * quarter + i], xd = x[3 * quarter + i];
    a += xa * xa;
    b += xb * xb;
    c += xc * xc;
    d += xd * xd;
  }
  return (a + b) + (c + d);
}

// y: (rows, snr_tile) float64, the first n samples of each row of x (rows, length). Prefetches the next n samples: the
// hardware does not follow so many short runs.
template <class T>
SUNDER_SIMD void widen_rows(const T* x, int64_t rows, int64_t length, int64_t n, double* y) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t i = 0; i < n; i += 64 / static_cast<int64_t>(sizeof(T))) __builtin_prefetch(x + row * length + n + i);
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) y[row * snr_tile + i] = x[row * length + i];
  }
}

struct FourSums {
  double v00, v01, v10, v11;
};

// Sums of term(a, b) for two rows a and two rows b.
template <class Term>
SUNDER_INLINE FourSums four_sums(const double* a0, const double* a1, const double* b0, const double* b1, int64_t n,
                                 const Term& term) {
  double v00 = 0, v01 = 0, v10 = 0, v11 = 0;
#pragma omp simd reduction(+ : v00, v01, v10, v11)
  for (int64_t i = 0; i < n; ++i) {
    v00 += term(a0[i], b0[i]);
    v01 += term(a0[i], b1[i]);
    v10 += term(a1[i], b0[i]);
    v11 += term(a1[i], b1[i]);
  }
  return {v00, v01, v10, v11};
}

// sums[i * columns + j] += sum of term(a row i, b row j), rows of length snr_tile; where `upper`, only i <= j is
// needed.
template <class Term>
SUNDER_INLINE void add_pair_sums(const double* a, int64_t rows, const double* b, int64_t columns, bool upper, int64_t n,
                                 double* sums, const Term& term) {
  for (int64_t i = 0; i < rows; i += 2) {
    for (int64_t j = upper ? i : 0; j < columns; j += 2) {
      const int64_t i1 = std::min(i + 1, rows - 1), j1 = std::min(j + 1, columns - 1);  // an odd last row stands twice
      const FourSums four =
          four_sums(a + i * snr_tile, a + i1 * snr_tile, b + j * snr_tile, b + j1 * snr_tile, n, term);
      sums[i * columns + j] += four.v00;
      if (j1 > j) sums[i * columns + j1] += four.v01;
      if (i1 > i) sums[i1 * columns + j] += four.v10;
      if (i1 > i && j1 > j) sums[i1 * columns + j1] += four.v11;
    }
  }
}

}  // namespace sunder
