#include "audio/sets/virtual_items.h"

#include <thread>

#include "audio/auxiva_separation.h"
#include "audio/sets/batch.h"
#include "tests/files/scratch_folder.h"
#include "tests/synthetic_voice.h"

namespace sunder {
namespace {

class VirtualItemsTest : public ScratchFolder {
 protected:
  // Recordings of two voices by three microphones.
  void SetUp() override {
    ScratchFolder::SetUp();
    std::filesystem::create_directories(folder_ / "set");
    for (int i = 0; i < 4; ++i) {
      const int64_t frames = 4000 + 400 * i;
      const std::vector<float> a = synthetic_voice(0, i, frames), b = synthetic_voice(3, i, frames);
      std::vector<float> samples(3 * frames);
      for (int64_t t = 3; t < frames; ++t)
        for (int64_t m = 0; m < 3; ++m)
          samples[3 * t + m] = 0.1f * a[t - m] + 0.07f * b[t - (3 - m)] + 0.02f * a[t - 3 + m];
      write_wav(folder_ / fmt::format("set/{}.wav", i), samples, 8000, WavFormat::float32, 3);
    }
  }
  MixtureSet open(MixtureSetOptions options = {}, const std::string& split = "train") const {
    options.channels = options.channels == 1 ? 3 : options.channels;
    options.sources = CleanSources::unused;
    return MixtureSet::open(folder_ / "set", split, options);
  }
  static std::vector<float> values(const Tensor& tensor) { return tensor.to_vector<float>(); }
};

TEST_F(VirtualItemsTest, AreAuxIvasSourcesOfTheRecording) {
  const MixtureSet set = open({.virtual_sources = 2}), plain = open();
  ASSERT_EQ(set.size(), plain.size());
  for (int64_t i = 0; i < set.size(); ++i) {
    const Mixture item = set.load(i), without = plain.load(i);
    EXPECT_EQ(item.id, without.id);
    EXPECT_EQ(set.contents(i), plain.contents(i));
    EXPECT_EQ(values(item.mixture), values(without.mixture));
    EXPECT_FALSE(without.virtual_microphones.defined());
    ASSERT_EQ(item.virtual_microphones.shape(), (Shape{2, item.length()}));
    EXPECT_EQ(values(item.virtual_microphones), values(auxiva_sources(without.mixture, 8000)));
    EXPECT_EQ(values(set.draw(i, 5).virtual_microphones), values(item.virtual_microphones));
  }
  EXPECT_EQ(
      set.notes().back(),
      "train: 2 virtual microphones by AuxIVA, computed when a recording is first used and kept in memory, 0 MiB");
}

TEST_F(VirtualItemsTest, AllChannelsAreAsManyAsEveryRecordingHas) {
  const std::vector<float> noise = synthetic_voice(1, 1, 8000);
  write_wav(folder_ / "set/2.wav", noise, 8000, WavFormat::float32, 2);
  const MixtureSetOptions all{.channels = 0, .virtual_sources = 2, .sources = CleanSources::unused};
  const MixtureSet set = MixtureSet::open(folder_ / "set", "train", all);
  EXPECT_EQ(set.channels(), 2);
  EXPECT_EQ(set.load(0).mixture.size(0), 2);
}

TEST_F(VirtualItemsTest, ASmallCacheAndThreadsDoNotChangeABit) {
  const MixtureSet set = open({.virtual_sources = 2}), uncached = open({.cache_bytes = 0, .virtual_sources = 2});
  EXPECT_NE(uncached.notes().back().find("; the rest is computed at every use"), std::string::npos);
  std::vector<std::vector<float>> found(4);
  std::vector<std::thread> threads;
  for (std::vector<float>& each : found) threads.emplace_back([&] { each = values(set.load(0).virtual_microphones); });
  for (std::thread& thread : threads) thread.join();
  for (const std::vector<float>& each : found) EXPECT_EQ(each, values(uncached.load(0).virtual_microphones));
}

TEST_F(VirtualItemsTest, BatchesHoldTheirSegments) {
  const MixtureSet set = open({.virtual_sources = 2});
  const Mixture item = set.load(0);
  const Batch batch = make_batch({{item, 100}, {item, item.length() - 50}}, 200, false, DType::float32);
  ASSERT_EQ(batch.virtual_microphones.shape(), (Shape{2, 2, 200}));
  const std::vector<float> all = values(item.virtual_microphones), cut = values(batch.virtual_microphones);
  for (int64_t v = 0; v < 2; ++v)
    for (int64_t t = 0; t < 200; ++t) {
      ASSERT_EQ(cut[200 * v + t], all[v * item.length() + 100 + t]);
      ASSERT_EQ(cut[200 * (2 + v) + t], t < 50 ? all[(v + 1) * item.length() - 50 + t] : 0.0f);
    }
}

TEST_F(VirtualItemsTest, TheyTellWhereSegmentsAreActive) {
  Mixture item{"x", 8000, Tensor::zeros({2, 1000}, DType::float32)};
  item.sources = Tensor::zeros({2, 1000}, DType::float32);
  item.virtual_microphones = Tensor::zeros({2, 1000}, DType::float32);
  EXPECT_EQ(judged_signals(item, true).raw(), item.sources.raw());
  EXPECT_EQ(judged_signals(item, false).raw(), item.virtual_microphones.raw());
  item.close_talk = Tensor::zeros({2, 1000}, DType::float32);
  EXPECT_EQ(judged_signals(item, false).raw(), item.close_talk.raw());
}

TEST_F(VirtualItemsTest, WhatCannotBeSeparatedIsNamed) {
  expect_error<InputError>([&] { open({.channels = 2, .virtual_sources = 3}); },
                           {"expected at least 3 microphones for 3 virtual ones, got 2"});
  std::vector<float> samples(3 * 4000, 0.0f);
  for (int i = 0; i < 4; ++i) write_wav(folder_ / fmt::format("set/{}.wav", i), samples, 8000, WavFormat::float32, 3);
  const Mixture silent = open({.virtual_sources = 2}).load(0);
  EXPECT_EQ(values(silent.virtual_microphones), std::vector<float>(2 * silent.length()));
  for (int64_t t = 0; t < 4000; ++t) samples[3 * t] = samples[3 * t + 2] = static_cast<float>(t % 7) * 0.1f;
  for (int i = 0; i < 4; ++i) write_wav(folder_ / fmt::format("set/{}.wav", i), samples, 8000, WavFormat::float32, 3);
  const MixtureSet set = open({.virtual_sources = 2});
  expect_error<InputError>([&] { set.load(0); }, {set.id(0) + ": AuxIVA: ", "digital silence at microphone 2 of 3"});
}

}  // namespace
}  // namespace sunder
