#include "audio/mixing.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "audio/corpora/screening.h"
#include "tensor/error.h"

namespace sunder {
namespace {

std::vector<float> placed(const std::vector<float>& recording, const Placement& placement, int64_t window) {
  std::vector<float> result(window, 7.0f);
  place(recording, placement, result);
  return result;
}

TEST(MixingTest, ShortRecordingsAreCentredWithTheFloorOfHalf) {
  EXPECT_EQ(centred(5, 10).start, 2);  // (10 - 5) / 2 = 2.5
  EXPECT_EQ(centred(10, 10).start, 0);
  const std::vector<float> recording = {1, 2, 3};
  EXPECT_EQ(placed(recording, centred(3, 8), 8), (std::vector<float>{0, 0, 1, 2, 3, 0, 0, 0}));
  EXPECT_EQ(placed(std::vector<float>{1, 2, 3, 4, 5, 6}, centred(6, 3), 3), (std::vector<float>{2, 3, 4}));
}

TEST(MixingTest, PlacementTakesItsPartAndPadsWhatIsMissing) {
  const std::vector<float> recording = {1, 2, 3, 4, 5};
  EXPECT_EQ(placed(recording, {1, 3, 2}, 6), (std::vector<float>{0, 0, 2, 3, 4, 0}));
  EXPECT_EQ(placed(recording, {3, 4, 0}, 4), (std::vector<float>{4, 5, 0, 0}));
  EXPECT_EQ(placed(recording, {9, 2, 1}, 4), (std::vector<float>{0, 0, 0, 0}));
  for (const Placement& wrong : {Placement{0, 4, 3}, {0, 7, 0}, {-1, 2, 0}, {0, 2, -1}, {0, -1, 0}})
    EXPECT_THROW(placed(recording, wrong, 6), Error);
}

// numpy: x = [1, 2, 4, 8, 16]; (x - x.mean()) / x.std(ddof=1)
TEST(MixingTest, StandardiseUsesTheUnbiasedDeviation) {
  std::vector<float> signal = {1, 2, 4, 8, 16};
  standardise(signal);
  const double expected[] = {-0.85257359, -0.68861713, -0.36070421, 0.29512163, 1.6067733};
  for (int i = 0; i < 5; ++i) EXPECT_NEAR(signal[i], expected[i], 1e-7);
}

TEST(MixingTest, SilenceCannotBeStandardised) {
  for (const float level : {0.0f, 0.25f, 1e-3f}) {
    std::vector<float> signal(8000, level);
    EXPECT_THROW(standardise(signal), InputError) << level;
  }
  std::vector<float> one = {1};
  EXPECT_THROW(standardise(one), InputError);
  std::vector<float> faint(8000);
  for (size_t i = 0; i < faint.size(); ++i) faint[i] = i % 2 ? 1e-6f : -1e-6f;
  EXPECT_NO_THROW(standardise(faint));
}

TEST(MixingTest, MixtureIsThePlainSum) {
  const Tensor sources = Tensor::from(std::vector<float>{1, 2, 10, 20, 100, -200}, {3, 2});
  EXPECT_EQ(mix(sources).shape(), (Shape{2}));
  EXPECT_EQ(mix(sources).to_vector<float>(), (std::vector<float>{111, -178}));
  EXPECT_EQ(sources.data<float>()[0], 1) << "the sources stay as they were";
  EXPECT_THROW(mix(Tensor::from(std::vector<float>{1, 2}, {2})), Error);
}

TEST(MixingTest, ActiveLevelLooksAtLoudFramesOnly) {
  std::vector<float> signal(8000, 0.0f);
  for (int t = 1600; t < 3200; ++t) signal[t] = t % 2 ? 0.1f : -0.1f;    // power 0.01, a fifth of the time
  for (int t = 4800; t < 6400; ++t) signal[t] = t % 2 ? 1e-3f : -1e-3f;  // 40 dB below
  EXPECT_NEAR(active_level_db(signal, 8000), -20, 1e-5);
  EXPECT_TRUE(std::isinf(active_level_db(std::vector<float>(100, 0.0f), 8000)));
}

TEST(MixingTest, NoiseHasTheLevelAskedForAndIsWhiteAndRepeatable) {
  const std::vector<float> tape = noise_tape(200000, 5);
  EXPECT_EQ(tape, noise_tape(200000, 5));
  EXPECT_NE(tape, noise_tape(200000, 6));
  std::vector<float> window(200000, 0.0f);
  add_noise(window, -40, tape);
  double power = 0, neighbours = 0, mean = 0;
  for (size_t t = 0; t + 1 < window.size(); ++t) {
    power += window[t] * window[t];
    neighbours += window[t] * window[t + 1];
    mean += window[t];
  }
  const auto count = static_cast<double>(window.size());
  EXPECT_NEAR(10 * std::log10(power / count), -40, 0.05);
  EXPECT_NEAR(neighbours / power, 0, 0.01);
  EXPECT_NEAR(mean / count, 0, 1e-4);
}

TEST(MixingTest, FramePowersIgnoreTheMean) {
  std::vector<float> signal(480, 0.5f);
  for (int t = 160; t < 320; ++t) signal[t] += t % 2 ? 0.1f : -0.1f;
  const std::vector<double> powers = frame_powers(signal, 8000);
  ASSERT_EQ(powers.size(), 3u);
  EXPECT_NEAR(powers[0], 0, 1e-9);
  EXPECT_NEAR(powers[1], 0.01, 1e-7);
}

}  // namespace
}  // namespace sunder
