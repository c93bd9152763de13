// Matrix products on the CPU through OpenBLAS, which runs single-threaded: ops distribute rows over threads themselves
// (parallel.h).
#pragma once

#include <complex>
#include <cstdint>
#include <string>

#include "tensor/error.h"

namespace sunder::blas {

// No room for OpenBLAS's buffers, one for each thread: fewer threads need less.
struct OutOfThreadMemory : OutOfMemory {
  using OutOfMemory::OutOfMemory;
};

// Row major: C (m, n) = alpha * op(A) (m, k) * op(B) (k, n) + beta * C; `transpose_a` means that A is stored (k, m).
// lda, ldb, ldc are row strides in elements.
void gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, float alpha, const float* a, int64_t lda,
          const float* b, int64_t ldb, float beta, float* c, int64_t ldc);
void gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, double alpha, const double* a,
          int64_t lda, const double* b, int64_t ldb, double beta, double* c, int64_t ldc);

// The same on all threads. Splits the rows of C, or the sum where C is small and k long, into pieces that depend on the
// shapes alone.
template <class T>
void parallel_gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, T alpha, const T* a,
                   int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc);

// sums[c] = sum over rows of x[row][c], in a fixed order over all threads; float64 between chunks of rows.
template <class T>
void column_sums(const T* x, int64_t rows, int64_t columns, T* sums);

// The kernel family OpenBLAS runs, e.g. "SkylakeX".
const std::string& core_name();

}  // namespace sunder::blas
