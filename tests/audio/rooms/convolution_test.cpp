#include "audio/rooms/convolution.h"

#include <gtest/gtest.h>

#include "tensor/random.h"
#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

class ConvolutionTest : public testing::TestWithParam<std::array<int64_t, 4>> {};  // samples, taps, begin, length

TEST_P(ConvolutionTest, EqualsTheSum) {
  const auto [samples, taps, begin, length] = GetParam();
  Random random(1, RandomUse::test);
  std::vector<float> signal(samples);
  for (float& value : signal) value = static_cast<float>(random.uniform(-1, 1));
  std::vector<double> filters(3 * taps), out(3 * length);
  for (double& value : filters) value = random.uniform(-1, 1);
  convolve(signal, filters, taps, begin, length, out);
  for (int64_t r = 0; r < 3; ++r)
    for (int64_t t = 0; t < length; ++t) {
      double sum = 0;
      for (int64_t n = 0; n < taps; ++n)
        if (const int64_t at = begin + t - n; at >= 0 && at < samples) sum += filters[r * taps + n] * signal[at];
      ASSERT_NEAR(out[r * length + t], sum, 1e-12) << r << ' ' << t;
    }
}

INSTANTIATE_TEST_SUITE_P(Sizes, ConvolutionTest,
                         testing::Values(std::array<int64_t, 4>{1000, 100, 0, 1099},  // the full convolution
                                         std::array<int64_t, 4>{1000, 100, 37, 500},
                                         std::array<int64_t, 4>{300, 129, -250, 900},  // zeros before and behind
                                         std::array<int64_t, 4>{7, 1, 0, 7}, std::array<int64_t, 4>{1, 50, 3, 10},
                                         std::array<int64_t, 4>{5, 3, 100, 4}, std::array<int64_t, 4>{9, 3, 2, 0}));

TEST(ConvolutionErrors, NameTheSizes) {
  std::vector<double> filters(7), out(8);
  expect_error<Error>([&] { convolve({}, filters, 2, 0, 4, out); }, {"[convolve]", "(R, 2)", "7 and 8"});
}

}  // namespace
}  // namespace sunder
