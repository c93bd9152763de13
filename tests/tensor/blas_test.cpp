#include "tensor/blas.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tensor/parallel.h"

namespace sunder {
namespace {

struct Product {
  bool transpose_a, transpose_b;
  int64_t m, n, k;
  double alpha, beta;
};

std::vector<double> numbers(int64_t count, uint64_t seed) {
  std::vector<double> result(count);
  for (int64_t i = 0; i < count; ++i) result[i] = std::sin(static_cast<double>(i) * 0.37 + static_cast<double>(seed));
  return result;
}

class ParallelGemm : public testing::TestWithParam<Product> {};

// The rows of C stand further apart than they are long, so that a write beside them shows.
TEST_P(ParallelGemm, IsTheSumWithAnyNumberOfThreads) {
  const auto [transpose_a, transpose_b, m, n, k, alpha, beta] = GetParam();
  const int64_t lda = (transpose_a ? m : k) + 1, ldb = (transpose_b ? k : n) + 2, ldc = n + 3;
  const auto a = numbers((transpose_a ? k : m) * lda, 1), b = numbers((transpose_b ? n : k) * ldb, 2);
  const auto before = numbers(m * ldc, 3);
  const int threads = num_threads();
  std::vector<double> first;
  for (const int count : {1, 3}) {
    set_num_threads(count);
    std::vector<double> c = before;
    blas::parallel_gemm<double>(transpose_a, transpose_b, m, n, k, alpha, a.data(), lda, b.data(), ldb, beta, c.data(),
                                ldc);
    if (first.empty()) first = c;
    EXPECT_EQ(c, first) << count << " threads";
  }
  set_num_threads(threads);
  for (int64_t row = 0; row < m; ++row)
    for (int64_t column = 0; column < ldc; ++column) {
      double expected = before[row * ldc + column];
      if (column < n) {
        double sum = 0;
        for (int64_t i = 0; i < k; ++i)
          sum += a[transpose_a ? i * lda + row : row * lda + i] * b[transpose_b ? column * ldb + i : i * ldb + column];
        expected = alpha * sum + beta * expected;
      }
      ASSERT_NEAR(first[row * ldc + column], expected, 1e-10) << row << ", " << column;
    }
}

INSTANTIATE_TEST_SUITE_P(All, ParallelGemm,
                         testing::Values(Product{false, false, 5, 7, 6, 1, 0}, Product{false, true, 300, 9, 33, 2, 1},
                                         Product{true, false, 24, 10, 4097, 1, 0},  // cut along k
                                         Product{true, true, 3, 5, 6000, 0.5, 0.25},
                                         Product{false, false, 2, 3, 5000, 1, 1},
                                         Product{true, false, 4, 3, 0, 1, 0.5}));

// 0 times what was there before is nothing, even where that was no number.
TEST(ParallelGemmTest, BetaZeroReadsNothing) {
  for (const int64_t k : {8, 5000}) {
    const auto a = numbers(k, 1), b = numbers(k, 2);
    double c = std::nan("");
    blas::parallel_gemm<double>(true, false, 1, 1, k, 1, a.data(), 1, b.data(), 1, 0, &c, 1);
    EXPECT_TRUE(std::isfinite(c)) << k;
  }
}

}  // namespace
}  // namespace sunder
