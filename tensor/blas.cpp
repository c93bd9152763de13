#include "tensor/blas.h"

#include <algorithm>
#include <vector>

#include "tensor/openblas.h"
#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace sunder::blas {
namespace {

constexpr int row_major = 101, no_transpose = 111, transposed = 112;  // CBLAS's constants

class Buffer {
 public:
  explicit Buffer(Buffers& of) : of_(of) { of_.acquire(); }
  ~Buffer() { of_.release(); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

 private:
  Buffers& of_;
};

template <class T>
void call(Gemm<T>* gemm, bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, T alpha, const T* a,
          int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc) {
  if (m == 0 || n == 0) return;
  const Buffer buffer(*openblas().buffers);
  gemm(row_major, transpose_a ? transposed : no_transpose, transpose_b ? transposed : no_transpose, static_cast<int>(m),
       static_cast<int>(n), static_cast<int>(k), alpha, a, static_cast<int>(lda), b, static_cast<int>(ldb), beta, c,
       static_cast<int>(ldc));
}

// An even number of pieces of about 128 rows: OpenBLAS packs the other operand in every call, which costs a tenth of
// the time at 128 rows and more below.
int64_t rows_per_piece(int64_t rows) {
  constexpr int64_t wanted = 128;
  int64_t pieces = std::max<int64_t>(1, (rows + wanted - 1) / wanted);
  if (pieces > 1) pieces += pieces % 2;
  return (rows + pieces - 1) / pieces;
}

// A small product over a long k, such as the gradient of a weight of at most small_result numbers, is split along k
// into pieces of piece_of_k.
constexpr int64_t small_result = 1 << 13, piece_of_k = 2048;

constexpr int64_t rows_per_sum = 64;

// out = beta out + the sum of `count` rows `stride` apart, in order, in float64.
template <class T>
SUNDER_SIMD void add_pieces(const T* rows, int64_t count, int64_t stride, int64_t columns, T beta, T* out) {
  constexpr int64_t width = 64;
  for (int64_t first = 0; first < columns; first += width) {
    const int64_t end = std::min(columns - first, width);
    double total[width];
    for (int64_t c = 0; c < end; ++c) total[c] = beta == T(0) ? 0 : static_cast<double>(beta) * out[first + c];
    for (int64_t row = 0; row < count; ++row) {
      const T* values = rows + row * stride + first;
#pragma omp simd
      for (int64_t c = 0; c < end; ++c) total[c] += static_cast<double>(values[c]);
    }
    for (int64_t c = 0; c < end; ++c) out[first + c] = static_cast<T>(total[c]);
  }
}

template <class T>
SUNDER_SIMD void sum_rows(const T* x, int64_t rows, int64_t columns, T* sums) {
  for (int64_t row = 0; row < rows; ++row, x += columns) {
#pragma omp simd
    for (int64_t c = 0; c < columns; ++c) sums[c] += x[c];
  }
}

}  // namespace

void gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, float alpha, const float* a, int64_t lda,
          const float* b, int64_t ldb, float beta, float* c, int64_t ldc) {
  call(openblas().sgemm, transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

void gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, double alpha, const double* a,
          int64_t lda, const double* b, int64_t ldb, double beta, double* c, int64_t ldc) {
  call(openblas().dgemm, transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

template <class T>
void parallel_gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, T alpha, const T* a,
                   int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc) {
  const int64_t rows = rows_per_piece(m), pieces = (k + piece_of_k - 1) / piece_of_k;
  if (rows < m || pieces < 2 || m * n > small_result) {
    parallel_for(m, rows, [&](int64_t begin, int64_t end) {
      gemm(transpose_a, transpose_b, end - begin, n, k, alpha, a + begin * (transpose_a ? 1 : lda), lda, b, ldb, beta,
           c + begin * ldc, ldc);
    });
    return;
  }
  std::vector<T> partial(pieces * m * n);
  parallel_for(k, piece_of_k, [&](int64_t begin, int64_t end) {
    gemm(transpose_a, transpose_b, m, n, end - begin, alpha, a + begin * (transpose_a ? lda : 1), lda,
         b + begin * (transpose_b ? 1 : ldb), ldb, T(0), partial.data() + begin / piece_of_k * m * n, n);
  });
  parallel_for(m, 8, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      add_pieces(partial.data() + row * n, pieces, m * n, n, beta, c + row * ldc);
  });
}

template <class T>
void column_sums(const T* x, int64_t rows, int64_t columns, T* sums) {
  const int64_t chunks = (rows + rows_per_sum - 1) / rows_per_sum;
  std::vector<T> partial(chunks * columns, T(0));
  parallel_for(rows, rows_per_sum, [&](int64_t begin, int64_t end) {
    sum_rows(x + begin * columns, end - begin, columns, partial.data() + begin / rows_per_sum * columns);
  });
  add_pieces(partial.data(), chunks, columns, columns, T(0), sums);
}

template void parallel_gemm(bool, bool, int64_t, int64_t, int64_t, float, const float*, int64_t, const float*, int64_t,
                            float, float*, int64_t);
template void parallel_gemm(bool, bool, int64_t, int64_t, int64_t, double, const double*, int64_t, const double*,
                            int64_t, double, double*, int64_t);
template void column_sums(const float*, int64_t, int64_t, float*);
template void column_sums(const double*, int64_t, int64_t, double*);

const std::string& core_name() { return openblas().core; }

}  // namespace sunder::blas
