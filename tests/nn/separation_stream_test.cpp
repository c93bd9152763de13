#include "nn/separation_stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "audio/progress.h"
#include "nn/separate_tensor.h"
#include "tensor/random.h"
#include "tests/files/scratch_folder.h"
#include "tests/nn/alternating_network.h"

namespace sunder {
namespace {

std::vector<float> wave(int64_t samples, double level) {
  std::vector<float> signal(samples);
  for (int64_t t = 0; t < samples; ++t)
    signal[t] = static_cast<float>(level * std::sin(0.37 * static_cast<double>(t)) *
                                   (1 + std::sin(0.011 * static_cast<double>(t))));
  return signal;
}

// A whole recording in pieces of a chunk: M signals of one length -> S signals.
std::vector<std::vector<float>> separate_signal(const Separator& network,
                                                const std::vector<std::vector<float>>& recording, const Chunks& chunks,
                                                const Progress& progress = {}) {
  const auto samples = static_cast<int64_t>(recording[0].size());
  SeparationStream stream(network, chunks);
  std::vector<std::vector<float>> signals(network.sources(), std::vector<float>(samples));
  int64_t pulled = 0;
  const auto pull = [&] {
    std::vector<float*> to;
    for (std::vector<float>& signal : signals) to.push_back(signal.data() + pulled);
    pulled += stream.pull(to, samples - pulled);
  };
  for (int64_t pushed = 0; pushed < samples;) {
    const int64_t block = std::min(samples - pushed, chunks.length);
    std::vector<const float*> from;
    for (const std::vector<float>& microphone : recording) from.push_back(microphone.data() + pushed);
    stream.push(from, block);
    pushed += block;
    if (pushed == samples) stream.finish();
    pull();
    if (progress) progress(pushed, samples);
  }
  return signals;
}

TEST(SeparationStream, OutputsKeepTheirOrderFromChunkToChunk) {
  for (const double level : {1e-6, 0.3, 1e5}) {  // the match does not depend on the level
    const std::vector<float> mixture = wave(5003, level);
    const Alternating network;
    int64_t last = 0;
    const auto estimates = separate_signal(network, {mixture}, {700, 100}, [&](int64_t done, int64_t total) {
      EXPECT_GT(done, last);
      EXPECT_EQ(total, 5003);
      last = done;
    });
    EXPECT_EQ(last, 5003);
    EXPECT_GT(network.calls, 7);
    EXPECT_EQ(network.longest, 700);
    ASSERT_EQ(estimates.size(), 2u);
    for (size_t t = 0; t < mixture.size(); ++t) {
      ASSERT_NEAR(estimates[0][t], std::max(mixture[t], 0.0f), 1e-6 * level) << t;
      ASSERT_NEAR(estimates[1][t], std::min(mixture[t], 0.0f), 1e-6 * level) << t;
    }
  }
}

// Lengths around every border of chunks: estimates have the signal's length and are in one order.
TEST(SeparationStream, LastChunkEndsWithTheSignal) {
  for (const int64_t overlap : {1, 30, 50, 99})
    for (const int64_t samples : {1, 9, 99, 100, 101, 149, 150, 169, 170, 171, 199, 200, 201, 240, 1234}) {
      const std::vector<float> mixture = wave(samples, 1);
      const Alternating network;
      const auto estimates = separate_signal(network, {mixture}, {100, overlap});
      EXPECT_LE(network.longest, 100);
      ASSERT_EQ(estimates[0].size(), mixture.size());
      for (size_t t = 0; t < mixture.size(); ++t)
        ASSERT_NEAR(estimates[0][t] + estimates[1][t], mixture[t], 1e-6) << samples << " " << overlap << " " << t;
    }
}

// Blocks of any size: the same bits as in one piece, a delay below one chunk, nothing lost or held back at the end.
TEST(SeparationStream, BlocksOfAnySizeGiveTheSameSamples) {
  const std::vector<float> mixture = wave(5003, 0.3);
  const Alternating reference;
  const auto whole = separate_signal(reference, {mixture}, {700, 100});
  for (const int64_t largest : {1, 64, 699, 5003}) {
    const Alternating network;
    std::vector<Seam> seams;
    SeparationStream stream(network, {700, 100}, [&](const Seam& seam) { seams.push_back(seam); });
    std::vector<std::vector<float>> found(2);
    Random random(1, RandomUse::test, 0, largest);
    const auto pull = [&](int64_t samples) {
      std::vector<float> first(samples), second(samples);
      const int64_t count = stream.pull(std::vector<float*>{first.data(), second.data()}, samples);
      EXPECT_LE(count, samples);
      found[0].insert(found[0].end(), first.begin(), first.begin() + count);
      found[1].insert(found[1].end(), second.begin(), second.begin() + count);
      return count;
    };
    for (int64_t pushed = 0; pushed < 5003;) {
      const int64_t block = std::min<int64_t>(5003 - pushed, 1 + static_cast<int64_t>(random.uniform() * largest));
      const float* from = mixture.data() + pushed;
      stream.push({&from, 1}, block);
      pushed += block;
      EXPECT_LT(pushed - static_cast<int64_t>(found[0].size()) - stream.available(), 700);
      pull(static_cast<int64_t>(random.uniform() * 300));
    }
    stream.finish();
    stream.finish();
    while (pull(123) > 0) {
    }
    EXPECT_EQ(found, whole) << largest;
    EXPECT_EQ(stream.available(), 0);
    ASSERT_EQ(seams.size(), 8u);
    EXPECT_EQ(seams[0].sample, 600);
    EXPECT_EQ(seams[7].sample, 4800);
  }
}

// Three sources of two microphones: what comes out says where it came from.
class Passing : public Alternating {
 public:
  explicit Passing(double silence_from = 1e9) : silence_from_(silence_from) {}
  Variable forward(const Tensor& mixture) const override {
    const int64_t length = mixture.size(2);
    const Tensor estimates = Tensor::zeros({1, 3, length}, DType::float32);
    const float* x = mixture.data<float>();
    float* to = estimates.mutable_data<float>();
    for (int64_t t = 0; t < length; ++t) {
      const float position = x[length + t];
      if (position >= silence_from_) continue;
      for (int64_t s = 0; s < 3; ++s)  // disjoint in time, rotated with every call
        if (static_cast<int64_t>(position) % 3 == s) to[(s + calls) % 3 * length + t] = x[t];
    }
    ++calls;
    return Variable(estimates);
  }
  int64_t sources() const override { return 3; }
  int64_t microphones() const override { return 2; }

 private:
  double silence_from_;
};

std::vector<std::vector<float>> wave_and_positions(int64_t samples) {
  std::vector<std::vector<float>> recording{wave(samples, 1), std::vector<float>(samples)};
  for (int64_t t = 0; t < samples; ++t) recording[1][t] = static_cast<float>(t);
  return recording;
}

TEST(SeparationStream, MicrophonesStayTogetherAndThreeSourcesInOrder) {
  const auto recording = wave_and_positions(2500);
  const auto estimates = separate_signal(Passing(), recording, {400, 90});
  for (int64_t t = 0; t < 2500; ++t)
    for (int64_t s = 0; s < 3; ++s) ASSERT_NEAR(estimates[s][t], t % 3 == s ? recording[0][t] : 0, 1e-6) << t;
}

TEST(SeparationStream, ConfidenceIsOneForOrthogonalOutputsAndZeroForSilence) {
  std::vector<Seam> seams;
  const Passing network(/*silence_from=*/600);
  SeparationStream stream(network, {400, 90}, [&](const Seam& seam) { seams.push_back(seam); });
  const auto recording = wave_and_positions(1020);
  stream.push(std::vector<const float*>{recording[0].data(), recording[1].data()}, 1020);
  ASSERT_EQ(seams.size(), 2u);
  EXPECT_EQ(seams[0].sample, 310);
  EXPECT_NEAR(seams[0].confidence, 0.67, 0.03);  // any other order exchanges at least two of three equal sources
  EXPECT_EQ(seams[1].sample, 620);
  EXPECT_EQ(seams[1].confidence, 0);

  seams.clear();
  const Alternating two;
  SeparationStream of_two(two, {700, 100}, [&](const Seam& seam) { seams.push_back(seam); });
  const std::vector<float> mixture = wave(1300, 1);
  const float* from = mixture.data();
  of_two.push({&from, 1}, 1300);
  ASSERT_EQ(seams.size(), 1u);
  EXPECT_NEAR(seams[0].confidence, 1, 1e-6);
}

TEST(SeparationStream, RefusesWhatDoesNotFit) {
  const Alternating network;
  EXPECT_THROW(SeparationStream(network, {100, 100}), Error);
  EXPECT_THROW(SeparationStream(network, {100, -1}), Error);
  SeparationStream stream(network, {100, 10});
  const float sample = 1;
  const std::vector<const float*> two{&sample, &sample};
  expect_error<Error>([&] { stream.push(two, 1); }, {"expected 1 microphones, got 2"});
  float out = 0;
  const std::vector<float*> one{&out};
  expect_error<Error>([&] { stream.pull(one, 1); }, {"expected 2 sources, got 1"});
  stream.finish();
  EXPECT_EQ(stream.available(), 0);  // of nothing
  expect_error<Error>([&] { stream.push({two.data(), 1}, 1); }, {"expected no samples after the end"});
}

// A network that always gives its outputs in one order would not need the match: this one exchanges them.
void expect_tensor_equals_stream(int64_t samples, const Chunks& chunks) {
  const auto recording = wave_and_positions(samples);
  std::vector<Seam> seams, seams_of_tensor;
  const Passing network, network_of_tensor;
  SeparationStream reference(network, chunks, [&](const Seam& seam) { seams.push_back(seam); });
  reference.push(std::vector<const float*>{recording[0].data(), recording[1].data()}, samples);
  reference.finish();
  std::vector<std::vector<float>> expected(3, std::vector<float>(samples));
  reference.pull(std::vector<float*>{expected[0].data(), expected[1].data(), expected[2].data()}, samples);

  std::vector<float> rows = recording[0];
  rows.insert(rows.end(), recording[1].begin(), recording[1].end());
  const Tensor estimates = Tensor::full({3, samples}, NAN, DType::float32);
  int64_t done = 0;
  separate_tensor(
      network_of_tensor, Tensor::from(rows, {2, samples}), estimates, chunks,
      [&](const Seam& seam) { seams_of_tensor.push_back(seam); },
      [&](int64_t now, int64_t total) {
        EXPECT_GT(now, done);
        EXPECT_EQ(total, samples);
        done = now;
      });
  EXPECT_EQ(done, samples);
  for (int64_t s = 0; s < 3; ++s)
    for (int64_t t = 0; t < samples; ++t)
      ASSERT_EQ(estimates.data<float>()[s * samples + t], expected[s][t]) << samples << " " << s << " " << t;
  ASSERT_EQ(seams_of_tensor.size(), seams.size()) << samples;
  for (size_t i = 0; i < seams.size(); ++i) {
    EXPECT_EQ(seams_of_tensor[i].sample, seams[i].sample);
    EXPECT_NEAR(seams_of_tensor[i].confidence, seams[i].confidence, 1e-4);
  }
}

TEST(SeparateTensor, EqualsTheStream) {
  for (const int64_t samples : {1, 50, 399, 400, 401, 709, 710, 711, 1020, 2500})
    expect_tensor_equals_stream(samples, {400, 90});
  expect_tensor_equals_stream(1000, {400, 0});
}

TEST(SeparateTensor, ABatchIsAsOneByOne) {
  const Alternating network;
  const std::vector<float> mixtures = wave(3 * 7, 1);  // shorter than the network takes
  const Tensor found = separate_tensors(network, Tensor::from(mixtures, {3, 1, 7}));
  EXPECT_EQ(describe(found), "float32 (3, 2, 7) on cpu");
  for (int64_t i = 0; i < 21; ++i) {
    const float* estimates = found.data<float>() + i / 7 * 14 + i % 7;
    EXPECT_EQ(estimates[0], std::max(mixtures[i], 0.0f));
    EXPECT_EQ(estimates[7], std::min(mixtures[i], 0.0f));
  }
}

TEST(SeparateTensor, RefusesWhatDoesNotFit) {
  const Alternating network;
  const Tensor recording = Tensor::zeros({1, 50}, DType::float32);
  expect_error<Error>(
      [&] {
        separate_tensor(network, recording, recording, {100, 10});
      },
      {"expected estimates of shape (2, 50), got float32 (1, 50) on cpu"});
  expect_error<Error>([&] { separate_tensors(network, recording); }, {"expected mixtures of shape (-1, 1, -1)"});
}

}  // namespace
}  // namespace sunder
