#include "audio/metrics/irm.h"

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

}  // namespace
}  // namespace sunder
