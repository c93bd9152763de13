#include "audio/metrics/bin_order.h"

#include <gtest/gtest.h>

#include "tensor/error.h"
#include "tensor/ops/istft.h"
#include "tensor/ops/stft.h"
#include "tests/synthetic_voice.h"

namespace sunder {
namespace {

constexpr int rate = 8000;
constexpr int64_t length = 8000, n_fft = 256, bins = 129;

Tensor voices() {
  const Tensor signals = Tensor::empty({2, length}, DType::float64);
  for (int s = 0; s < 2; ++s) {
    const std::vector<float> voice = synthetic_voice(3 * s, 1, length);
    std::copy(voice.begin(), voice.end(), signals.mutable_data<double>() + s * length);
  }
  return signals;
}

// The signals with the bins [begin, end) of the two exchanged.
Tensor exchanged(const Tensor& signals, int64_t begin, int64_t end) {
  const Tensor window = make_window("sqrt_hann", n_fft, DType::float64);
  const Tensor spectra = stft(signals, window, n_fft / 2);
  const int64_t half = spectra.numel() / 2;
  complex128* values = spectra.mutable_data<complex128>();
  for (int64_t i = 0; i < half; ++i)
    if (i % bins >= begin && i % bins < end) std::swap(values[i], values[half + i]);
  return istft(spectra, window, n_fft / 2, length);
}

TEST(BinOrder, EveryBinOfTheReferencesIsRight) {
  const Tensor references = voices();
  for (const BinOrderScores& score : bin_order(references, references, rate)) {
    EXPECT_EQ(score.right.value, 1);
    EXPECT_GT(*score.si_sdr.value, 250);
  }
}

// Where the bins of a quarter of the band change places, three quarters are right. Exchanging them back leaves what the
// overlapping frames mixed at the borders of the band.
TEST(BinOrder, FindsTheBinsThatChangedPlaces) {
  const Tensor references = voices(), estimates = exchanged(references, 32, 64);
  for (const BinOrderScores& score : bin_order(references, estimates, rate)) {
    EXPECT_NEAR(*score.right.value, 0.75, 0.02);
    EXPECT_GT(*score.si_sdr.value, 18);
  }
  const std::vector<BinOrderScores> wrong = bin_order(references, exchanged(references, 0, bins), rate);
  EXPECT_EQ(wrong[0].right.value, 0);
  EXPECT_GT(*wrong[0].si_sdr.value, 250);
}

TEST(BinOrder, LevelsDoNotMatter) {
  const Tensor references = voices(), estimates = exchanged(references, 32, 64);
  double* loud = estimates.mutable_data<double>();
  for (int64_t i = 0; i < length; ++i) loud[i] *= 1000;
  const std::vector<BinOrderScores> scores = bin_order(references, estimates, rate);
  EXPECT_NEAR(*scores[0].right.value, 0.75, 0.02);
}

TEST(BinOrder, EqualOutputsHaveNoWrongOrder) {
  const Tensor references = voices(), estimates = Tensor::empty_like(references);
  const double* from = references.data<double>();
  for (int64_t i = 0; i < 2 * length; ++i)
    estimates.mutable_data<double>()[i] = from[i % length] + from[length + i % length];
  for (const BinOrderScores& score : bin_order(references, estimates, rate)) EXPECT_EQ(score.right.value, 1);
}

TEST(BinOrder, ThreeSourcesAreOrderedTogether) {
  const Tensor two = voices(), references = Tensor::empty({3, length}, DType::float64);
  references.slice(0, 2).copy_from(two);
  const std::vector<float> voice = synthetic_voice(7, 2, length);
  std::copy(voice.begin(), voice.end(), references.mutable_data<double>() + 2 * length);
  const Tensor estimates = references.clone();
  estimates.slice(0, 2).copy_from(exchanged(two, 0, bins));
  const std::vector<BinOrderScores> scores = bin_order(references, estimates, rate);
  EXPECT_EQ(scores[0].right.value, 0);
  EXPECT_EQ(scores[2].right.value, 1);
}

TEST(BinOrder, WhatHasNoScoreSaysWhy) {
  const Tensor references = voices();
  const Tensor brief = references.reshape({2, length}).clone().reshape({-1}).slice(0, 256).reshape({2, 128});
  EXPECT_STREQ(bin_order(brief, brief, rate)[1].right.missing, "shorter than a frame");
  const Tensor silent = Tensor::zeros({2, length}, DType::float64);
  EXPECT_STREQ(bin_order(silent, references, rate)[0].si_sdr.missing, "the references are silent");
  const std::vector<BinOrderScores> scores = bin_order(references, silent, rate);
  EXPECT_EQ(scores[0].right.value, 1);
  EXPECT_FALSE(scores[0].si_sdr.value);
  EXPECT_THROW(bin_order(references, voices().slice(0, 1), rate), Error);
}

}  // namespace
}  // namespace sunder
