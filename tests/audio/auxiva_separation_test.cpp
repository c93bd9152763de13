#include "audio/auxiva_separation.h"

#include "audio/auxiva.h"
#include "audio/metrics/si_snr.h"
#include "audio/rooms/room_mixture.h"
#include "tensor/ops/cast.h"
#include "tensor/ops/istft.h"
#include "tensor/ops/stft.h"
#include "tensor/parallel.h"
#include "tensor/random.h"
#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

constexpr int rate = 8000;

// Noise in words of 0.2 to 1 s, each at a level of its own.
std::vector<float> speech(int speaker, int64_t samples) {
  Random random(speaker, RandomUse::test);
  std::vector<float> result;
  while (static_cast<int64_t>(result.size()) < samples) {
    const double level = std::pow(10, -random.uniform(0, 2));
    for (auto left = static_cast<int64_t>(random.uniform(0.2, 1) * rate); left > 0; --left)
      result.push_back(static_cast<float>(level * random.normal()));
  }
  result.resize(samples);
  return result;
}

// Two voices of `samples` samples in a room with six microphones.
RoomMixture scene(int64_t samples) {
  const RoomScene room = draw_room_scene("cv_dev93", 0);
  return mix_in_room(scene_responses(room), 2, {speech(0, samples), speech(3, samples)}, "cv_dev93", "0_a_b",
                     /*split=*/false);
}

// The first `microphones` of them.
Tensor recording(int64_t samples, int64_t microphones = 6) { return scene(samples).observation.slice(0, microphones); }

TEST(AuxIvaSeparation, SeparatesTwoVoicesInARoom) {
  const RoomMixture mixture = scene(10 * rate);
  const int64_t samples = mixture.observation.size(1);
  const Tensor references = Tensor::empty({2, samples}, DType::float32);  // at the first microphone
  for (int64_t s = 0; s < 2; ++s)
    std::copy_n(mixture.image.data<float>() + s * 6 * samples, samples, references.mutable_data<float>() + s * samples);
  const Tensor heard = mixture.observation.slice(0, 1).reshape({samples});
  const auto gain = [&](int64_t microphones) {
    const Tensor found = auxiva_sources(mixture.observation.slice(0, microphones), rate);
    EXPECT_EQ(found.shape(), (Shape{2, samples}));
    return mean_si_snri(score_separation(references, found, heard)).value();
  };
  EXPECT_GT(gain(2), 8);
  EXPECT_GT(gain(3), 8);
}

TEST(AuxIvaSeparation, IsAuxIvaBetweenTwoTransforms) {
  const Tensor signals = recording(rate);
  const Tensor window = make_window("hann", 2048, DType::float64);
  const Tensor spectra = stft(signals.cast(DType::float64), window, 512);
  const auto expected =
      istft(auxiva(spectra, {.sources = 2, .iterations = 7}), window, 512, signals.size(1)).to_vector<double>();
  const auto found = auxiva_sources(signals, rate, {.iterations = 7}).to_vector<float>();
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) ASSERT_EQ(found[i], static_cast<float>(expected[i]));
}

TEST(AuxIvaSeparation, ThreadsDoNotChangeABit) {
  const Tensor signals = recording(rate);
  set_num_threads(1);
  const auto alone = auxiva_sources(signals, rate, {.iterations = 5}).to_vector<float>();
  set_num_threads(3);
  EXPECT_EQ(auxiva_sources(signals, rate, {.iterations = 5}).to_vector<float>(), alone);
  set_num_threads(0);
}

TEST(AuxIvaSeparation, TheWindowFollowsRateAndLength) {
  EXPECT_EQ(auxiva_window(6, 8 * 8000, 8000), 4096);
  EXPECT_EQ(auxiva_window(6, 8 * 16000, 16000), 8192);
  EXPECT_EQ(auxiva_window(2, 8 * 44100, 44100), 16384) << "22,579 samples are nearer to it than to 32,768";
  EXPECT_EQ(auxiva_window(6, 8 * 8000, 8000, {.window_seconds = 0.128}), 1024);
  EXPECT_EQ(auxiva_window(6, 11264, 8000), 4096) << "twelve frames";
  EXPECT_EQ(auxiva_window(6, 11263, 8000), 2048);
  EXPECT_EQ(auxiva_window(2, 48, 8000), 64);
  EXPECT_EQ(auxiva_window(2, 47, 8000), 0);
  EXPECT_EQ(auxiva_window(3, 1000, 8000, {.window_seconds = 1e-9}), 64);
}

TEST(AuxIvaSeparation, ShortRecordingsStayFinite) {
  const Tensor signals = recording(rate);
  for (const int64_t samples : {176, 177, 1000}) {
    const Tensor part = Tensor::empty({6, samples}, DType::float32);
    for (int64_t m = 0; m < 6; ++m)
      std::copy_n(signals.data<float>() + m * signals.size(1) + 2000, samples,
                  part.mutable_data<float>() + m * samples);
    const Tensor found = auxiva_sources(part, rate);
    ASSERT_EQ(found.shape(), (Shape{2, samples}));
    for (const float x : found.to_vector<float>()) ASSERT_TRUE(std::isfinite(x));
  }
}

TEST(AuxIvaSeparation, WhatCannotBeSeparatedIsRefused) {
  const Tensor noise = Tensor::empty({3, 400}, DType::float32);
  Random random(1, RandomUse::test);
  for (int64_t i = 0; i < noise.numel(); ++i) noise.mutable_data<float>()[i] = static_cast<float>(random.normal());
  expect_error<Error>([&] { auxiva_sources(noise.slice(0, 1), rate); },
                      {"AuxIVA: expected at least 2 microphones for 2 sources, got 1"});
  expect_error<Error>([&] { auxiva_sources(noise.slice(0, 1), rate, {.sources = 1}); },
                      {"expected at least 2 microphones for 1 sources, got 1"});
  expect_error<Error>([&] { auxiva_sources(noise, rate, {.sources = 4}); },
                      {"expected at least 4 microphones for 4 sources, got 3"});
  expect_error<Error>(
      [&] {
        auxiva_sources(Tensor::zeros({3, 79}, DType::float32), rate);
      },
      {"got digital silence at microphone 1 of 3"});
  const Tensor brief = noise.reshape({12, 100}).slice(0, 3).reshape({4, 75}).slice(0, 3);
  expect_error<Error>([&] { auxiva_sources(brief, rate); }, {"expected at least 80 samples of 3 microphones, got 75"});
  std::fill_n(noise.mutable_data<float>() + 400, 400, 0.0f);
  expect_error<Error>([&] { auxiva_sources(noise, rate); }, {"got digital silence at microphone 2 of 3"});
  expect_error<Error>([&] { auxiva_sources(noise.cast(DType::float64), rate); }, {"expected a float32 recording"});
  expect_error<Error>([&] { auxiva_sources(noise.reshape({1200}), rate); }, {"recording"});
}

}  // namespace
}  // namespace sunder
