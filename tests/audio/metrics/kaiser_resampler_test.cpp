#include "audio/metrics/kaiser_resampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "tensor/error.h"
#include "tensor/random.h"

namespace sunder {
namespace {

using Signal = std::vector<double>;

Signal tone(double hertz, int rate, int64_t length) {
  Signal result(length);
  for (int64_t t = 0; t < length; ++t) result[t] = std::sin(2 * std::numbers::pi * hertz * t / rate);
  return result;
}

// The filter at the raised rate, seen through impulses at every sample: tap m meets output n for m = n q - i p + half.
Signal seen_filter(int from, int to, int64_t half) {
  const int64_t p = to / std::gcd(from, to), q = from / std::gcd(from, to), samples = 2 * half + 10;
  Signal filter(2 * half + 1, 0.0);
  const KaiserResampler resample(from, to);
  for (int64_t i = 0; i < p * q && i < samples; ++i) {
    Signal impulse(samples, 0.0);
    const int64_t at = half / p + 1 + i % q;
    impulse[at] = 1;
    const Signal out = resample(impulse);
    for (int64_t n = 0; n < static_cast<int64_t>(out.size()); ++n) {
      const int64_t m = n * q - at * p + half;
      if (m >= 0 && m <= 2 * half) filter[m] = out[n];
      else EXPECT_EQ(out[n], 0) << "beyond the filter's ends";
    }
  }
  return filter;
}

TEST(KaiserResampler, FilterHasTheLengthShapeAndSumOfItsDefinition) {
  // ../shared/spec/metrics.md: from 8 to 10 kHz 365 taps, cut-off 0.1; the README of the golden values: beta 5.65326.
  const int64_t half = 182;
  const Signal h = seen_filter(8000, 10000, half);
  EXPECT_NEAR(std::accumulate(h.begin(), h.end(), 0.0), 5, 1e-12);
  const auto window = [&](int64_t m) {
    const double side = static_cast<double>(m - half) / half;
    return std::cyl_bessel_i(0, 5.65326 * std::sqrt(1 - side * side));
  };
  for (int64_t m = 0; m <= 2 * half; ++m) {
    const double t = 0.2 * std::numbers::pi * static_cast<double>(m - half);
    const double expected = (m == half ? 1 : std::sin(t) / t) * window(m) / window(half) * h[half];
    EXPECT_NEAR(h[m], expected, 1e-9) << m;
    EXPECT_NEAR(h[m], h[2 * half - m], 1e-15) << m;
  }
  EXPECT_NE(h[1], 0);
}

TEST(KaiserResampler, KeepsTonesInPlaceAndTakesOutWhatDoesNotFit) {
  for (const auto& [from, to] : std::vector<std::pair<int, int>>{
           {8000, 10000}, {16000, 10000}, {11025, 10000}, {44100, 10000}, {48000, 10000}}) {
    const int64_t length = from / 4;
    const Signal out = KaiserResampler(from, to)(tone(1000, from, length)), expected = tone(1000, to, to / 4);
    ASSERT_EQ(out.size(), static_cast<size_t>((length * to + from - 1) / from));
    for (int64_t n = to / 16; n < to / 8; ++n) EXPECT_NEAR(out[n], expected[n], 2e-3) << from << " Hz, " << n;
    if (from < 16000) continue;
    const Signal high = KaiserResampler(from, to)(tone(6500, from, length));
    for (int64_t n = to / 16; n < to / 8; ++n) EXPECT_NEAR(high[n], 0, 2e-3) << from << " Hz, " << n;
  }
}

TEST(KaiserResampler, TakesEveryLengthAndEqualRates) {
  const Signal signal = tone(440, 8000, 9);
  EXPECT_EQ(KaiserResampler(8000, 8000)(signal), signal);
  for (size_t length = 0; length <= 9; ++length) {
    const Signal part(signal.begin(), signal.begin() + static_cast<int64_t>(length));
    EXPECT_EQ(KaiserResampler(8000, 10000)(part).size(), (length * 5 + 3) / 4);
    EXPECT_EQ(KaiserResampler(16000, 10000)(part).size(), (length * 5 + 7) / 8);
  }
}

TEST(KaiserResampler, RejectsRatesOutOfReach) {
  EXPECT_THROW(KaiserResampler(0, 10000), Error);
  EXPECT_THROW(KaiserResampler(-8000, 10000), Error);
  EXPECT_THROW(KaiserResampler(200000, 10000), Error);
}

}  // namespace
}  // namespace sunder
