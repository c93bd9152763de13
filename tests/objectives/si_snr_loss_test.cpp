#include "objectives/si_snr.h"

#include <gtest/gtest.h>

#include <cmath>

#include "audio/metrics/si_snr.h"
#include "autograd/gradcheck.h"
#include "tensor/random.h"

namespace sunder {
namespace {

Tensor random_signals(Shape shape, uint64_t which) {
  Tensor result = Tensor::empty(std::move(shape), DType::float64);
  Random random(6, RandomUse::test, 0, which);
  for (int64_t i = 0; i < result.numel(); ++i) result.mutable_data<double>()[i] = random.normal();
  return result;
}

// Against the metric, which is written without the op's code: minus the mean of the best match, summed over the batch.
TEST(SiSnrLoss, IsMinusTheMetric) {
  for (int64_t sources = 1; sources <= 4; ++sources) {
    const Tensor references = random_signals({5, sources, 40}, 1), estimates = random_signals({5, sources, 40}, 2);
    double expected = 0;
    for (int64_t item = 0; item < 5; ++item) {
      const auto scores =
          score_separation(references.slice(item, item + 1).reshape({sources, 40}),
                           estimates.slice(item, item + 1).reshape({sources, 40}), random_signals({40}, 3));
      for (const SourceScore& score : scores) expected -= *score.si_snr / static_cast<double>(sources);
    }
    const double tolerance = 1e-6 * std::abs(expected);  // the energy floor of 1e-8
    EXPECT_NEAR(si_snr_loss(references, Variable(estimates)).value().item(), expected, tolerance);
    const double single =
        si_snr_loss(references.cast(DType::float32), Variable(estimates.cast(DType::float32))).value().item();
    EXPECT_NEAR(single, expected, 1e-4);
  }
}

TEST(SiSnrLoss, HasTheGradientOfFiniteDifferences) {
  const GradcheckResult result =
      gradcheck([](const auto& in) { return std::vector{si_snr_loss(in[0].value(), in[1])}; },
                {random_signals({3, 2, 15}, 4), random_signals({3, 2, 15}, 5)}, {false, true});
  EXPECT_LE(result.error, 1e-7) << result.detail;
}

TEST(SiSnrLoss, IsFiniteForSilence) {
  for (DType dtype : {DType::float64, DType::float32}) {
    Tensor references = random_signals({2, 2, 30}, 6), estimates = random_signals({2, 2, 30}, 7);
    references.slice(0, 1).zero();
    estimates.slice(1, 2).zero();
    const Variable estimate(estimates.cast(dtype), true);
    const Variable loss = si_snr_loss(references.cast(dtype), estimate);
    backward(loss);
    EXPECT_TRUE(std::isfinite(loss.value().item()));
    for (double value : estimate.grad().cast(DType::float64).to_vector<double>()) EXPECT_TRUE(std::isfinite(value));
  }
}

TEST(SiSnrLoss, RejectsOtherShapes) {
  EXPECT_THROW(si_snr_loss(random_signals({1, 7, 4}, 1), Variable(random_signals({1, 7, 4}, 2))), Error);
  EXPECT_THROW(si_snr_loss(random_signals({1, 2, 4}, 1), Variable(random_signals({1, 3, 4}, 2))), Error);
}

}  // namespace
}  // namespace sunder
