#include "audio/resample.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tensor/error.h"

namespace sunder {
namespace {

std::vector<float> tone(int64_t samples, double hertz, int rate) {
  std::vector<float> signal(samples);
  for (int64_t t = 0; t < samples; ++t)
    signal[t] = static_cast<float>(std::sin(2 * M_PI * hertz * static_cast<double>(t) / rate));
  return signal;
}

TEST(ResampleTest, LengthIsRoundedUp) {
  EXPECT_EQ(resampled_length(16000, 16000, 8000), 8000);
  EXPECT_EQ(resampled_length(16001, 16000, 8000), 8001);
  EXPECT_EQ(resampled_length(1, 44100, 8000), 1);
  for (const int64_t samples : {1, 2, 99, 1000, 44101})
    EXPECT_EQ(static_cast<int64_t>(resample(std::vector<float>(samples, 0.1f), 44100, 8000).size()),
              resampled_length(samples, 44100, 8000));
}

// A tone below both Nyquist frequencies is the same tone at the other rate, in phase: no delay is left.
TEST(ResampleTest, ToneKeepsFrequencyLevelAndPhase) {
  for (const auto& [from, to] : {std::pair{16000, 8000}, {44100, 8000}, {8000, 16000}}) {
    const std::vector<float> output = resample(tone(from, 1000, from), from, to);
    const std::vector<float> expected = tone(to, 1000, to);
    for (int64_t t = to / 10; t < to * 9 / 10; ++t) ASSERT_NEAR(output[t], expected[t], 1e-5) << from << " " << t;
  }
}

TEST(ResampleTest, NothingFoldsBack) {
  const std::vector<float> output = resample(tone(44100, 5000, 44100), 44100, 8000);
  for (size_t t = 800; t < 7200; ++t) ASSERT_NEAR(output[t], 0, 1e-5);
}

// Blocks of the length at which they are given to soxr leave no seams.
TEST(ResampleTest, LongSignalsHaveNoSeams) {
  const std::vector<float> output = resample(tone(400000, 300, 8000), 8000, 11025);
  const std::vector<float> expected = tone(static_cast<int64_t>(output.size()), 300, 11025);
  for (size_t t = 1000; t < output.size() - 1000; ++t) ASSERT_NEAR(output[t], expected[t], 2e-5) << t;
}

// As a microphone gives it: in blocks of any size.
TEST(ResampleTest, BlocksDoNotChangeABit) {
  std::vector<float> signal = tone(50000, 700, 16000);
  for (size_t t = 0; t < signal.size(); t += 37) signal[t] += 0.3f;
  for (const auto& [from, to] : {std::pair{16000, 8000}, {44100, 8000}, {8000, 44100}, {16000, 16000}, {8000, 11025}}) {
    const std::vector<float> whole = resample(signal, from, to);
    ASSERT_EQ(static_cast<int64_t>(whole.size()), resampled_length(50000, from, to));
    for (const size_t block : {1, 7, 1000, 8191, 20000}) {
      Resampler resampler(from, to);
      std::vector<float> output;
      for (size_t begin = 0; begin < signal.size(); begin += block) {
        resampler.push(std::span(signal).subspan(begin, std::min(block, signal.size() - begin)), output);
        ASSERT_LE(static_cast<int64_t>(output.size()), resampled_length(static_cast<int64_t>(begin + block), from, to));
      }
      resampler.finish(output);
      ASSERT_EQ(output, whole) << from << " to " << to << " Hz in blocks of " << block;
      EXPECT_THROW(resampler.push(signal, output), Error);
    }
  }
}

TEST(ResampleTest, NothingGivesNothing) {
  Resampler resampler(8000, 16000);
  std::vector<float> output;
  resampler.push({}, output);
  resampler.finish(output);
  EXPECT_TRUE(output.empty());
}

TEST(ResampleTest, EqualRatesCopyAndBadRatesThrow) {
  const std::vector<float> signal = {1, 2, 3};
  EXPECT_EQ(resample(signal, 8000, 8000), signal);
  EXPECT_THROW(resample(signal, 0, 8000), Error);
  EXPECT_THROW(resample(signal, 8000, -1), Error);
}

}  // namespace
}  // namespace sunder
