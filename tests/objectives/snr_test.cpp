// Properties of the fused SNR losses that the op cases do not show: precision, silence, NaN, planted solutions.
#include <gtest/gtest.h>

#include <cmath>

#include "objectives/mixit.h"
#include "objectives/mixpit.h"
#include "objectives/pit.h"
#include "tensor/ops/mixit_snr.h"
#include "tensor/ops/pit_snr.h"
#include "tensor/random.h"

namespace sunder {
namespace {

Tensor noise(Shape shape, uint64_t which) {
  Tensor result = Tensor::empty(std::move(shape), DType::float64);
  Random random(5, RandomUse::test, 0, which);
  for (int64_t i = 0; i < result.numel(); ++i) result.mutable_data<double>()[i] = random.normal();
  return result;
}

// a + factor * b, elementwise.
Tensor plus(const Tensor& a, double factor, const Tensor& b) {
  Tensor result = a.clone();
  for (int64_t i = 0; i < a.numel(); ++i) result.mutable_data<double>()[i] += factor * b.data<double>()[i];
  return result;
}

// Rounds to float32 and back: what a float32 program is given.
Tensor rounded(const Tensor& x) { return x.cast(DType::float32).cast(DType::float64); }

bool all_finite(const Tensor& x) {
  for (double value : x.cast(DType::float64).to_vector<double>())
    if (!std::isfinite(value)) return false;
  return true;
}

TEST(PitLoss, IsTheMeanOverTargetsAndTheSumOverTheBatch) {
  // One item of two unit pulses, doubled in the estimates: residual 1 and energy 1 a target, loss 10 log10(1 + tau).
  const Tensor references = Tensor::from<double>({1, 0, 0, 1}, {1, 2, 2}),
               estimates = Tensor::from<double>({2, 0, 0, 2}, {1, 2, 2});
  const double item = 10 * std::log10(1.001);
  EXPECT_NEAR(pit_loss(references, Variable(estimates)).value().item(), item, 1e-12);
  const Tensor three = remix(references.reshape({2, 2}), Tensor::from<int64_t>({0, 1, 0, 1, 0, 1}, {3, 2})).targets;
  const Tensor doubled = remix(estimates.reshape({2, 2}), Tensor::from<int64_t>({1, 0, 0, 1, 1, 0}, {3, 2})).targets;
  EXPECT_NEAR(pit_loss(three, Variable(doubled)).value().item(), 3 * item, 1e-12);
  EXPECT_NEAR(mixpit_loss(three, Variable(doubled)).value().item(), 3 * item, 1e-12);
}

TEST(PitLoss, FindsAPlantedPermutationOfSixSources) {
  const Tensor references = noise({2, 6, 300}, 1);
  const std::vector<int64_t> planted{3, 0, 5, 1, 4, 2};  // estimate of each reference
  std::vector<int64_t> order(12);
  for (int64_t item = 0; item < 2; ++item)
    for (int64_t s = 0; s < 6; ++s) order[item * 6 + planted[s]] = item * 6 + s;
  const Tensor shuffled = remix(references.reshape({12, 300}), Tensor::from(order, {2, 6})).targets;
  const PitSnr result = pit_snr(references, plus(shuffled, 0.1, noise({2, 6, 300}, 2)));
  const auto found = result.permutation.to_vector<int64_t>();
  for (int64_t i = 0; i < 12; ++i) EXPECT_EQ(found[i], planted[i % 6]);
  for (double loss : result.loss.to_vector<double>()) EXPECT_NEAR(loss, 10 * std::log10(0.01 + 0.001), 0.5);
}

TEST(PitSnr, Float32LossKeepsItsBoundAtEveryLevel) {
  const Tensor references = rounded(noise({4, 2, 24000}, 3));
  for (double db : {0.0, 10.0, 30.0, 50.0}) {
    const Tensor estimates = rounded(plus(references, std::pow(10, -db / 20), noise({4, 2, 24000}, 4)));
    for (double snr_max_db : {30.0, 60.0}) {
      const auto exact = pit_snr(references, estimates, snr_max_db).loss.to_vector<double>();
      const auto single =
          pit_snr(references.cast(DType::float32), estimates.cast(DType::float32), snr_max_db).loss.to_vector<float>();
      for (size_t i = 0; i < exact.size(); ++i) EXPECT_NEAR(single[i], exact[i], pit_snr_error_db) << db;
    }
  }
}

// A Gram matrix in float32 would be off by 0.01 dB here.
TEST(MixitSnr, Float32LossIsExactAtThirtyDecibels) {
  const Tensor estimates = rounded(noise({3, 4, 16000}, 5));
  const Tensor sums =
      remix(estimates.reshape({12, 16000}), Tensor::from<int64_t>({0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11}, {6, 2}))
          .mixtures.reshape({3, 2, 16000});
  const Tensor mixtures = rounded(plus(sums, std::pow(10, -1.5) * std::sqrt(2), noise({3, 2, 16000}, 6)));
  const MixitSnr exact = mixit_snr(mixtures, estimates, 60);
  const MixitSnr single = mixit_snr(mixtures.cast(DType::float32), estimates.cast(DType::float32), 60);
  for (int64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(exact.assignment.data<int64_t>()[i], 0b1010);  // the first mixture holds estimates 0 and 2
    EXPECT_EQ(single.assignment.data<int64_t>()[i], 0b1010);
    EXPECT_NEAR(single.loss.data<float>()[i], exact.loss.data<double>()[i], 1e-5);
    EXPECT_NEAR(exact.loss.data<double>()[i], -30, 0.1);
  }
}

TEST(MixitSnr, AMixtureMayGetNoEstimate) {
  const Tensor estimates = noise({1, 3, 200}, 7);
  Tensor mixtures = noise({1, 2, 200}, 8);
  for (int64_t i = 0; i < 200; ++i)
    mixtures.mutable_data<double>()[200 + i] =
        estimates.data<double>()[i] + estimates.data<double>()[200 + i] + estimates.data<double>()[400 + i];
  const MixitSnr result = mixit_snr(mixtures, estimates);
  EXPECT_EQ(result.assignment.item(), 0);  // no estimate to the first mixture, all to the second
  // The first loses its whole energy, the second nothing.
  EXPECT_NEAR(result.loss.item(), (10 * std::log10(1.001) - 30) / 2, 1e-9);
}

class Precisions : public testing::TestWithParam<DType> {};

TEST_P(Precisions, SilenceGivesFiniteLossAndGradient) {
  for (double level : {0.0, 1e-30, 1e-12, 1.0}) {
    Tensor references = noise({2, 2, 100}, 9), estimates = noise({2, 2, 100}, 10), four = noise({2, 4, 100}, 11);
    for (int64_t i = 0; i < 100; ++i) references.mutable_data<double>()[i] *= level;
    if (level == 0) estimates.slice(1, 2).zero();  // the second item: silent estimates of sounding references
    if (level == 0) four.slice(1, 2).zero();
    const Variable two(estimates.cast(GetParam()), true), all(four.cast(GetParam()), true);
    const Variable pit = pit_loss(references.cast(GetParam()), two),
                   mixit = mixit_loss(references.cast(GetParam()), all);
    backward({pit, mixit}, {Tensor::full(pit.shape(), 1, GetParam()), Tensor::full(mixit.shape(), 1, GetParam())});
    EXPECT_TRUE(all_finite(pit.value()) && all_finite(two.grad())) << "PIT, level " << level;
    EXPECT_TRUE(all_finite(mixit.value()) && all_finite(all.grad())) << "MixIT, level " << level;
  }
  // Nothing at all: a silent estimate of a silent reference is perfect.
  const Variable silent(Tensor::zeros({1, 2, 50}, GetParam()), true);
  const Variable loss = pit_loss(Tensor::zeros({1, 2, 50}, GetParam()), silent);
  backward(loss);
  EXPECT_NEAR(loss.value().item(), -30, 1e-5);
  EXPECT_TRUE(all_finite(silent.grad()));
}

// The guard of the trainer must see it: a minimum over comparisons with NaN could hide it.
TEST_P(Precisions, NanInAnEstimateReachesTheLossOfItsItemAlone) {
  Tensor estimates = noise({3, 2, 40}, 12), four = noise({3, 4, 40}, 13);
  estimates.mutable_data<double>()[2 * 40 + 45] = NAN;
  four.mutable_data<double>()[4 * 40 + 125] = NAN;
  const Tensor targets = noise({3, 2, 40}, 14).cast(GetParam());
  const auto pit = pit_snr(targets, estimates.cast(GetParam())).loss.cast(DType::float64).to_vector<double>();
  const auto mixit = mixit_snr(targets, four.cast(GetParam())).loss.cast(DType::float64).to_vector<double>();
  for (const auto& loss : {pit, mixit}) {
    EXPECT_TRUE(std::isfinite(loss[0]) && std::isfinite(loss[2]));
    EXPECT_TRUE(std::isnan(loss[1]));
  }
}

INSTANTIATE_TEST_SUITE_P(Snr, Precisions, testing::Values(DType::float64, DType::float32),
                         [](const auto& test) { return to_string(test.param); });

}  // namespace
}  // namespace sunder
