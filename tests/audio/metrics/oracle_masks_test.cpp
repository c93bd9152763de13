#include "audio/metrics/oracle_masks.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "audio/metrics/si_snr.h"
#include "tensor/random.h"

namespace sunder {
namespace {

constexpr int64_t length = 4000;  // samples at 8 kHz

Tensor tone(double frequency, double level) {
  std::vector<double> x(length);
  for (int64_t i = 0; i < length; ++i)
    x[i] = level * std::sin(2 * std::numbers::pi * frequency * static_cast<double>(i) / 8000);
  return Tensor::from(x, {length});
}

Tensor stack(const Tensor& a, const Tensor& b) {
  auto values = a.to_vector<double>();
  const auto more = b.to_vector<double>();
  values.insert(values.end(), more.begin(), more.end());
  return Tensor::from(values, {2, length});
}

Tensor total(const Tensor& rows) {
  std::vector<double> x(length);
  for (int64_t i = 0; i < length; ++i) x[i] = rows.data<double>()[i] + rows.data<double>()[length + i];
  return Tensor::from(x, {length});
}

TEST(IdealRatioMask, SeparatesWhatDoesNotOverlapInTheOrderOfTheSources) {
  const Tensor references = stack(tone(700, 1), tone(2100, 0.3)), mixture = total(references);
  const auto scores = score_separation(references, ideal_ratio_mask(references, mixture), mixture);
  for (int64_t s = 0; s < 2; ++s) {
    EXPECT_EQ(scores[s].output, s);
    EXPECT_GT(*scores[s].si_snr, 30);
  }
}

TEST(IdealRatioMask, EstimatesAddUpToTheMixture) {
  std::vector<double> noise(2 * length);
  Random random(9, RandomUse::test);
  for (double& x : noise) x = random.normal();
  const Tensor references = Tensor::from(noise, {2, length}), mixture = total(references);
  const Tensor sum = total(ideal_ratio_mask(references, mixture));
  for (int64_t i = 0; i < length; ++i) EXPECT_NEAR(sum.data<double>()[i], mixture.data<double>()[i], 1e-6);
  // The masks of a scaled copy are constants, 1 / 4 and 3 / 4, whatever the signal is.
  const Tensor first = references.slice(0, 1).reshape({length});
  std::vector<double> scaled = first.to_vector<double>();
  for (double& x : scaled) x *= 3;
  const Tensor pair = stack(first, Tensor::from(scaled, {length})), four = total(pair);
  const Tensor estimates = ideal_ratio_mask(pair, four);
  for (int64_t i = 0; i < length; ++i) {
    EXPECT_NEAR(estimates.data<double>()[i], four.data<double>()[i] / 4, 1e-6);
    EXPECT_NEAR(estimates.data<double>()[length + i], 3 * four.data<double>()[i] / 4, 1e-6);
  }
}

TEST(IdealRatioMask, TakesSilenceAndFloat32AndRejectsOtherShapes) {
  const Tensor silent = stack(tone(700, 1), tone(700, 0)), mixture = total(silent);
  const Tensor estimates = ideal_ratio_mask(silent.cast(DType::float32), mixture.cast(DType::float32));
  for (int64_t i = 0; i < length; ++i) {
    EXPECT_NEAR(estimates.data<double>()[i], mixture.data<double>()[i], 1e-6);
    EXPECT_EQ(estimates.data<double>()[length + i], 0);
  }
  EXPECT_THROW(ideal_ratio_mask(silent, tone(700, 1).slice(0, 3999)), Error);
  EXPECT_THROW(ideal_ratio_mask(Tensor::zeros({2, 256}, DType::float64), Tensor::zeros({256}, DType::float64)), Error);
}

TEST(IdealBinaryMask, GivesEachBinToTheLoudestSourceTheFirstAmongEquals) {
  // A signal and a copy of it at another level: one source is louder in every bin, whatever the signal is.
  Random random(9, RandomUse::test);
  std::vector<double> noise(length), quiet(length);
  for (int64_t i = 0; i < length; ++i) quiet[i] = -0.9 * (noise[i] = random.normal());
  const Tensor a = Tensor::from(noise, {length}), b = Tensor::from(quiet, {length});
  for (const auto& [references, loudest] : {std::pair{stack(a, b), 0}, {stack(b, a), 1}, {stack(a, a), 0}}) {
    const Tensor mixture = total(references), estimates = ideal_binary_mask(references, mixture);
    for (int64_t i = 0; i < length; ++i) {
      EXPECT_NEAR(estimates.data<double>()[loudest * length + i], mixture.data<double>()[i], 1e-9);
      EXPECT_EQ(estimates.data<double>()[(1 - loudest) * length + i], 0);
    }
  }
}

TEST(PhaseSensitiveMask, IsTheProjectionOnTheMixtureCutOffAtZeroAndOne) {
  // Sources g_i times one signal: S_i / X is the real number g_i / (g_1 + g_2) in every bin, positive or negative.
  Random random(9, RandomUse::test);
  std::vector<double> noise(length);
  for (double& x : noise) x = random.normal();
  const auto times = [&](double gain) {
    std::vector<double> x = noise;
    for (double& value : x) value *= gain;
    return Tensor::from(x, {length});
  };
  struct Row {
    double first, second, mask_of_first, mask_of_second;
  };
  for (const Row& row : {Row{1, 3, 0.25, 0.75}, Row{2, -1, 1, 0}, Row{-1, 5, 0, 1}}) {
    const Tensor references = stack(times(row.first), times(row.second)), mixture = total(references);
    const Tensor estimates = phase_sensitive_mask(references, mixture);
    for (int64_t i = 0; i < length; ++i) {
      EXPECT_NEAR(estimates.data<double>()[i], row.mask_of_first * mixture.data<double>()[i], 1e-9);
      EXPECT_NEAR(estimates.data<double>()[length + i], row.mask_of_second * mixture.data<double>()[i], 1e-9);
    }
  }
  // A quarter of a period apart: the real part of S / X = 1 / (1 - i) is 1/2 for both tones, in the middle.
  std::vector<double> sine(length), cosine(length);
  for (int64_t i = 0; i < length; ++i) {
    sine[i] = std::sin(2 * std::numbers::pi * 0.125 * static_cast<double>(i));
    cosine[i] = std::cos(2 * std::numbers::pi * 0.125 * static_cast<double>(i));
  }
  const Tensor references = stack(Tensor::from(sine, {length}), Tensor::from(cosine, {length}));
  const Tensor mixture = total(references), estimates = phase_sensitive_mask(references, mixture);
  for (int64_t i = 1000; i < 3000; ++i) EXPECT_NEAR(estimates.data<double>()[i], 0.5 * mixture.data<double>()[i], 1e-3);
}

TEST(OracleMasks, SeparateWhatDoesNotOverlapAndTakeSilence) {
  const Tensor references = stack(tone(700, 1), tone(2100, 0.3)), mixture = total(references);
  for (const auto mask : {ideal_binary_mask, phase_sensitive_mask}) {
    const auto scores = score_separation(references, mask(references, mixture, 512, 128), mixture);
    for (int64_t s = 0; s < 2; ++s) {
      EXPECT_EQ(scores[s].output, s);
      EXPECT_GT(*scores[s].si_snr, 25);
    }
    const Tensor silence = Tensor::zeros({2, length}, DType::float32);
    const Tensor none = mask(silence, silence.slice(0, 1).reshape({length}), 512, 128);
    for (int64_t i = 0; i < 2 * length; ++i) EXPECT_EQ(none.data<double>()[i], 0);
    EXPECT_THROW(mask(references, tone(700, 1).slice(0, 3999), 512, 128), Error);
  }
}

}  // namespace
}  // namespace sunder
