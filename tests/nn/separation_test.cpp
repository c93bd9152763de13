#include "nn/separation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

// Gives what is above zero and what is below, in an order that changes with every call: a network owes none.
class Alternating : public Separator {
 public:
  Variable forward(const Tensor& mixture) const override {
    longest = std::max(longest, mixture.size(1));
    const int64_t batch = mixture.size(0), length = mixture.size(1);
    const Tensor estimates = Tensor::empty({batch, 2, length}, DType::float32);
    for (int64_t b = 0; b < batch; ++b)
      for (int64_t t = 0; t < length; ++t) {
        const float x = mixture.data<float>()[b * length + t];
        estimates.mutable_data<float>()[(2 * b + calls % 2) * length + t] = std::max(x, 0.0f);
        estimates.mutable_data<float>()[(2 * b + 1 - calls % 2) * length + t] = std::min(x, 0.0f);
      }
    ++calls;
    return Variable(estimates);
  }
  int64_t sources() const override { return 2; }
  int64_t shortest_input() const override { return 10; }
  std::map<std::string, std::string> metadata() const override { return {}; }

  mutable int64_t calls = 0, longest = 0;
};

std::vector<float> wave(int64_t samples, double level) {
  std::vector<float> signal(samples);
  for (int64_t t = 0; t < samples; ++t)
    signal[t] = static_cast<float>(level * std::sin(0.37 * static_cast<double>(t)) *
                                   (1 + std::sin(0.011 * static_cast<double>(t))));
  return signal;
}

TEST(Separation, ChunksCoverTheSignalAndOverlap) {
  for (const int64_t samples : {1, 99, 100, 101, 150, 199, 200, 1234, 100000}) {
    for (const int64_t overlap : {0, 1, 30, 50, 99}) {
      const auto starts = chunk_starts(samples, {100, overlap});
      EXPECT_EQ(starts.front(), 0);
      if (samples <= 100) {
        EXPECT_EQ(starts.size(), 1u);
        continue;
      }
      EXPECT_EQ(starts.back(), samples - 100);
      for (size_t i = 1; i < starts.size(); ++i) {
        EXPECT_GT(starts[i], starts[i - 1]);
        EXPECT_LE(starts[i], starts[i - 1] + 100 - overlap) << samples << " " << overlap;
      }
    }
  }
  EXPECT_THROW(chunk_starts(500, {100, 100}), Error);
  EXPECT_THROW(chunk_starts(500, {100, -1}), Error);
}

TEST(Separation, OutputsKeepTheirOrderFromChunkToChunk) {
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

TEST(Separation, ShortSignalsArePaddedAndCut) {
  const Alternating network;
  const auto estimates = separate_signal(network, {wave(3, 1)}, {700, 100});
  EXPECT_EQ(network.longest, 10);
  EXPECT_EQ(estimates[0].size(), 3u);
  const Tensor batch = separate_batch(network, Tensor::full({2, 4}, -0.5, DType::float32));
  EXPECT_EQ(batch.shape(), (Shape{2, 2, 4}));
  EXPECT_EQ(batch.slice(1, 2).to_vector<float>(), (std::vector<float>{-0.5f, -0.5f, -0.5f, -0.5f, 0, 0, 0, 0}));
}

TEST(Separation, EstimatesThatAreNotFiniteAreRefused) {
  const Alternating network;
  EXPECT_THROW(separate_batch(network, Tensor::full({1, 20}, INFINITY, DType::float32)), Error);
}

// Overflows beyond a level; or always.
class Overflowing : public Alternating {
 public:
  explicit Overflowing(float limit) : limit_(limit) {}
  Variable forward(const Tensor& mixture) const override {
    const std::vector<float> samples = mixture.to_vector<float>();
    const bool over = *std::max_element(samples.begin(), samples.end()) > limit_;
    return over ? Variable(Tensor::full({mixture.size(0), 2, mixture.size(1)}, NAN, DType::float32))
                : Alternating::forward(mixture);
  }

 private:
  float limit_;
};

TEST(Separation, LoudnessIsBlamedWhereItIsTheCause) {
  const Tensor loud = Tensor::full({1, 20}, 5e20, DType::float32), quiet = Tensor::full({1, 20}, 0.5, DType::float32);
  expect_error<Error>([&] { separate_batch(Overflowing(1e10f), loud); }, {"too loud", "samples reach 5e+20"});
  for (const Tensor& mixture : {loud, quiet})
    expect_error<Error>([&] { separate_batch(Overflowing(0), mixture); }, {"is it the right model file?"});
}

// A tone that sounds in the second half alone is bright there and nowhere else, in a recording of any length.
}  // namespace
}  // namespace sunder
