#include "nn/recording_stream.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tensor/random.h"
#include "tests/files/scratch_folder.h"
#include "tests/nn/alternating_network.h"

namespace sunder {
namespace {

using Signals = std::vector<std::vector<float>>;

std::vector<float> speech_band(int64_t samples, int rate) {
  std::vector<float> signal(samples);
  for (int64_t t = 0; t < samples; ++t) {
    const double seconds = static_cast<double>(t) / rate;
    signal[t] = static_cast<float>(0.3 * std::sin(2 * M_PI * 300 * seconds) * (1 + std::sin(2 * M_PI * 3 * seconds)));
  }
  return signal;
}

struct Found {
  Signals estimates{2};
  int64_t largest_lag = 0;
  std::vector<Seam> seams;
};

// Pushes blocks of up to `largest` samples and pulls everything after each.
Found separate(const std::vector<float>& mixture, int rate, int64_t largest, const Chunks& chunks = {4000, 500}) {
  const Alternating network;
  Found found;
  RecordingStream stream(network, 8000, rate, chunks, [&](const Seam& seam) { found.seams.push_back(seam); });
  Random random(1, RandomUse::test, 0, largest);
  const auto samples = static_cast<int64_t>(mixture.size());
  const auto pull = [&] {
    const int64_t available = stream.available();
    std::vector<float*> to;
    for (std::vector<float>& estimate : found.estimates) {
      estimate.resize(estimate.size() + available);
      to.push_back(estimate.data() + estimate.size() - available);
    }
    EXPECT_EQ(stream.pull(to, available), available);
  };
  for (int64_t pushed = 0; pushed < samples;) {
    const int64_t block = std::min(samples - pushed, 1 + static_cast<int64_t>(random.uniform() * largest));
    const float* from = mixture.data() + pushed;
    stream.push({&from, 1}, block);
    pushed += block;
    pull();
    found.largest_lag = std::max(found.largest_lag, pushed - static_cast<int64_t>(found.estimates[0].size()));
  }
  EXPECT_LE(found.largest_lag, stream.delay()) << rate;
  stream.finish();
  pull();
  return found;
}

TEST(RecordingStream, GivesAsManySamplesAsItTookAtAnyRate) {
  for (const int rate : {8000, 11025, 16000, 44100, 48000})
    for (const int64_t samples : {1, 2, 441, 4000, 44100, 44101}) {
      const Found found = separate(speech_band(samples, rate), rate, 44101);
      EXPECT_EQ(found.estimates[0].size(), samples) << rate;
      EXPECT_EQ(found.estimates[1].size(), samples) << rate;
    }
}

TEST(RecordingStream, BlocksOfAnySizeGiveTheSameSamples) {
  for (const int rate : {8000, 44100, 7999}) {
    const std::vector<float> mixture = speech_band(60000, rate);
    const Found whole = separate(mixture, rate, 60000);
    for (const int64_t largest : {100, 5000}) EXPECT_EQ(separate(mixture, rate, largest).estimates, whole.estimates);
  }
}

// The network's outputs add up to its input, and so do those of any rate: the conversions are linear.
TEST(RecordingStream, EstimatesAddUpToTheMixture) {
  for (const int rate : {8000, 16000, 44100}) {
    const std::vector<float> mixture = speech_band(3 * rate, rate);
    const Found found = separate(mixture, rate, 1000);
    // Not at the ends, where the conversions see a step that has frequencies above the network's.
    for (int64_t t = rate / 10; t < 3 * rate - rate / 10; ++t)
      ASSERT_NEAR(found.estimates[0][t] + found.estimates[1][t], mixture[t], 2e-4) << rate << " " << t;
  }
}

TEST(RecordingStream, SeamsAreInSamplesOfTheRecording) {
  const Found found = separate(speech_band(32000, 16000), 16000, 700);
  ASSERT_GE(found.seams.size(), 3u);
  EXPECT_EQ(found.seams[0].sample, 7000);
  EXPECT_EQ(found.seams[1].sample, 14000);
}

// What is seen at the network's rate is what the network got and gave.
TEST(RecordingStream, IsWatchedAtTheRateOfTheNetwork) {
  const Alternating network;
  const std::vector<float> mixture = speech_band(50000, 16000);
  std::vector<float> seen, sum;
  RecordingStream stream(network, 8000, 16000, {4000, 500});
  stream.watch([&](std::span<const float> heard, const std::vector<std::vector<float>>& estimates) {
    seen.insert(seen.end(), heard.begin(), heard.end());
    for (size_t t = 0; t < estimates[0].size(); ++t) sum.push_back(estimates[0][t] + estimates[1][t]);
  });
  for (int64_t begin = 0; begin < 50000; begin += 1000) {
    const float* from = mixture.data() + begin;
    stream.push({&from, 1}, 1000);
  }
  stream.finish();
  EXPECT_EQ(seen, resample(mixture, 16000, 8000));
  ASSERT_EQ(sum.size(), seen.size());
  for (size_t t = 0; t < sum.size(); ++t) ASSERT_NEAR(sum[t], seen[t], 1e-6) << t;
}

TEST(RecordingStream, RefusesWhatDoesNotFit) {
  const Alternating network;
  EXPECT_THROW(RecordingStream(network, 8000, 0, {}), Error);
  RecordingStream stream(network, 8000, 16000, {});
  const float sample = 1;
  const std::vector<const float*> two{&sample, &sample};
  expect_error<Error>([&] { stream.push(two, 1); }, {"expected 1 microphones, got 2"});
  stream.finish();
  EXPECT_EQ(stream.available(), 0);
  expect_error<Error>([&] { stream.push({two.data(), 1}, 1); }, {"expected no samples after the end"});
}

}  // namespace
}  // namespace sunder
