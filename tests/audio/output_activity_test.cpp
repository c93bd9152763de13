#include "audio/output_activity.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tensor/error.h"

namespace sunder {
namespace {

using Groups = std::vector<std::vector<int64_t>>;

// Noise that is on and off as a voice with `seed`: the parts of a voice that a network tears apart sound at its times.
std::vector<float> voice(uint64_t seed, uint64_t part, float level) {
  const int64_t syllable = 1600;  // samples at 8 kHz
  std::vector<float> signal(8000 * 6);
  uint64_t state = part * 7919 + seed;
  for (size_t t = 0; t < signal.size(); ++t) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    uint64_t on = (seed * 1000003 + t / syllable) * 0x9E3779B97F4A7C15u;
    on ^= on >> 29;
    on *= 0xBF58476D1CE4E5B9u;
    const float envelope = static_cast<float>(on >> 40) / static_cast<float>(1 << 24);
    signal[t] = level * envelope * (static_cast<float>(state >> 40) / static_cast<float>(1 << 23) - 1);
  }
  return signal;
}

OutputActivity activity_of(const std::vector<std::vector<float>>& outputs, size_t block = 1000) {
  OutputActivity activity(static_cast<int64_t>(outputs.size()), 8000);
  for (size_t begin = 0; begin < outputs[0].size(); begin += block) {
    std::vector<std::vector<float>> part;
    for (const std::vector<float>& output : outputs)
      part.emplace_back(output.begin() + static_cast<int64_t>(begin),
                        output.begin() + static_cast<int64_t>(std::min(begin + block, output.size())));
    activity.push(part);
  }
  return activity;
}

TEST(OutputActivity, OutputsFarBelowTheStrongestAreInactive) {
  const auto activity = activity_of({voice(1, 1, 0.3f), voice(2, 2, 0.025f), voice(3, 3, 0.035f), voice(4, 4, 0)});
  EXPECT_EQ(activity.active(), 2) << "-21.6 and -18.7 dB";
  const auto silent = activity_of({voice(1, 1, 0), voice(2, 2, 0)});
  EXPECT_EQ(silent.active(), 0);
  EXPECT_EQ(silent.groups(), (Groups{{0, 1}}));
}

// Two voices, the second in two outputs, and a little of each in the last two.
TEST(OutputActivity, PartsOfAVoiceAreJoined) {
  for (uint64_t seed = 1; seed < 40; seed += 4) {
    const auto activity = activity_of({voice(seed, 1, 0.3f), voice(seed + 1, 2, 0.2f), voice(seed + 1, 3, 0.3f),
                                       voice(seed + 1, 4, 0.01f), voice(seed, 5, 0.01f)});
    EXPECT_EQ(activity.active(), 3);
    const Groups active = activity.groups();
    ASSERT_EQ(active.size(), 3u) << "active outputs are joined only on demand";
    EXPECT_EQ(active[0], (std::vector<int64_t>{0, 4}));
    EXPECT_EQ(activity.groups(2), (Groups{{0, 4}, {1, 2, 3}})) << seed;
    EXPECT_EQ(activity.groups(1), (Groups{{0, 1, 2, 3, 4}}));
    EXPECT_EQ(activity.groups(4).size(), 4u) << "with a quiet one of its own";
    EXPECT_EQ(activity.groups(5), (Groups{{0}, {1}, {2}, {3}, {4}}));
  }
}

TEST(OutputActivity, BlocksDoNotMatter) {
  const std::vector<std::vector<float>> outputs = {voice(1, 1, 0.3f), voice(2, 2, 0.2f), voice(2, 3, 0.1f)};
  for (const size_t block : {1, 255, 256, 100000})
    EXPECT_EQ(activity_of(outputs, block).groups(2), (Groups{{0}, {1, 2}}));
}

TEST(OutputActivity, WrongNumbersAreRefused) {
  const auto activity = activity_of({voice(1, 1, 0.3f), voice(2, 2, 0.2f)});
  EXPECT_THROW(activity.groups(0), Error);
  EXPECT_THROW(activity.groups(3), Error);
  EXPECT_THROW(OutputActivity(2, 8000).push({{1.0f}}), Error);
}

}  // namespace
}  // namespace sunder
