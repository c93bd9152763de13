#include "tensor/blas.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <cmath>
#include <fstream>
#include <thread>
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

// OpenBLAS takes a buffer of 128 MiB of addresses for each call that runs at a time, and asks for ever where it gets
// none.
TEST(GemmTest, MoreCallsThanTheAddressSpaceHasBuffersForWait) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "sanitizers take address space without limit";
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
  GTEST_SKIP() << "sanitizers take address space without limit";
#endif
#endif
  const pid_t child = fork();
  if (child == 0) {
    ::alarm(60);
    set_num_threads(2);
    blas::core_name();  // loads it
    constexpr int callers = 8, size = 200;
    std::barrier ready(callers + 1), limited(callers + 1);
    std::atomic<int> right = 0;
    std::vector<std::thread> threads;
    for (int caller = 0; caller < callers; ++caller)
      threads.emplace_back([&] {
        const std::vector<float> a(size * size, 1), b(size * size, 2);
        std::vector<float> c(size * size);
        ready.arrive_and_wait();
        limited.arrive_and_wait();
        for (int call = 0; call < 20; ++call)
          blas::gemm(false, false, size, size, size, 1.0f, a.data(), size, b.data(), size, 0.0f, c.data(), size);
        right += c[0] == 2 * size && c.back() == 2 * size;
      });
    ready.arrive_and_wait();
    std::ifstream statm("/proc/self/statm");
    rlim_t pages = 0;
    statm >> pages;
    const rlim_t bytes = pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE)) + (20 << 20);
    const rlimit limit{bytes, bytes};
    if (::setrlimit(RLIMIT_AS, &limit) != 0) _exit(2);
    limited.arrive_and_wait();
    for (std::thread& thread : threads) thread.join();
    _exit(right == callers ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

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
