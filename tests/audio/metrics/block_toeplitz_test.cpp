#include "audio/metrics/block_toeplitz.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tensor/random.h"

namespace sunder {
namespace {

// The products of random signals and their delayed copies: symmetric and positive definite.
std::vector<double> correlations(int64_t signals, int64_t taps, uint64_t which) {
  constexpr int64_t length = 90;
  Random random(3, RandomUse::test, 0, which);
  std::vector<double> x(signals * length), result;
  for (double& value : x) value = random.normal();
  for (int64_t a = 0; a < signals; ++a)
    for (int64_t b = 0; b < signals; ++b)
      for (int64_t lag = 0; lag < taps; ++lag) {
        double sum = 0;
        for (int64_t t = lag; t < length; ++t) sum += x[a * length + t - lag] * x[b * length + t];
        result.push_back(sum);
      }
  return result;
}

// M times a vector (P, N), element by element.
std::vector<double> product(const std::vector<double>& blocks, int64_t signals, int64_t taps, const double* x) {
  std::vector<double> y(signals * taps, 0.0);
  for (int64_t p = 0; p < signals; ++p)
    for (int64_t i = 0; i < taps; ++i)
      for (int64_t q = 0; q < signals; ++q)
        for (int64_t j = 0; j < taps; ++j)
          y[p * taps + i] += x[q * taps + j] * (i >= j ? blocks[(p * signals + q) * taps + i - j]
                                                       : blocks[(q * signals + p) * taps + j - i]);
  return y;
}

TEST(BlockToeplitz, SolvesWhatTheMatrixMakesOfAVector) {
  for (const auto& [signals, taps, sides] : std::vector<std::array<int64_t, 3>>{
           {1, 1, 1}, {1, 2, 3}, {1, 17, 2}, {2, 1, 1}, {2, 9, 3}, {3, 20, 1}, {5, 4, 2}}) {
    const auto blocks = correlations(signals, taps, signals * 100 + taps);
    std::vector<double> x(sides * signals * taps), y;
    Random random(4, RandomUse::test);
    for (double& value : x) value = random.normal();
    for (int64_t k = 0; k < sides; ++k) {
      const auto one = product(blocks, signals, taps, x.data() + k * signals * taps);
      y.insert(y.end(), one.begin(), one.end());
    }
    const auto solved = solve_block_toeplitz(blocks, signals, taps, y);
    ASSERT_TRUE(solved) << signals << " signals, " << taps << " taps";
    for (size_t i = 0; i < x.size(); ++i)
      EXPECT_NEAR((*solved)[i], x[i], 1e-10) << signals << " signals, " << taps << " taps";
  }
}

TEST(BlockToeplitz, LoadsTheDiagonal) {
  // (2 + 1) x = 6; a matrix of ones is singular, with 1 on top of its diagonal it is (2 1; 1 2).
  EXPECT_NEAR((*solve_block_toeplitz(std::vector{2.0}, 1, 1, std::vector{6.0}, 1))[0], 2, 1e-15);
  const std::vector<double> ones{1, 1}, right{4, 5};
  EXPECT_FALSE(solve_block_toeplitz(ones, 1, 2, right));
  const auto solved = solve_block_toeplitz(ones, 1, 2, right, 1);
  ASSERT_TRUE(solved);
  EXPECT_NEAR((*solved)[0], 1, 1e-14);
  EXPECT_NEAR((*solved)[1], 2, 1e-14);
}

TEST(BlockToeplitz, SaysWhereTheMatrixIsNotPositiveDefinite) {
  EXPECT_FALSE(solve_block_toeplitz(std::vector{0.0}, 1, 1, std::vector{1.0}));
  EXPECT_FALSE(solve_block_toeplitz(std::vector{1.0, 2.0}, 1, 2, std::vector{1.0, 1.0}));
  EXPECT_FALSE(solve_block_toeplitz(std::vector<double>{1, 1, 1, 1}, 2, 1, std::vector{1.0, 1.0}));  // one signal twice
  EXPECT_FALSE(solve_block_toeplitz(std::vector<double>{NAN}, 1, 1, std::vector{1.0}));
}

}  // namespace
}  // namespace sunder
