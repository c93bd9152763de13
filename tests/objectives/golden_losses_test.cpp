// Losses, chosen assignments and gradients against the authors' code, in float64 and float32.
#include <gtest/gtest.h>

#include "objectives/mixcycle.h"
#include "objectives/mixit.h"
#include "objectives/pit.h"
#include "tensor/ops/mixit_snr.h"
#include "tensor/ops/pit_snr.h"
#include "tests/golden.h"

namespace sunder {
namespace {

// The README's table for invariant_losses: PyTorch's own deviation in float32.
constexpr double result32 = 9e-8, gradient32 = 2e-7;

class GoldenLosses : public testing::TestWithParam<DType> {
 protected:
  static void expect_indices(const Golden& golden, const std::string& name, const Tensor& actual) {
    EXPECT_EQ(actual.to_vector<int64_t>(), golden.file().tensors.at(name).to_vector<int64_t>()) << name;
  }
};

// (examples, samples) -> (examples, 1, samples): with one source PIT is the plain loss. Example 3's *estimate* is
// silent (its target is not), so the file says nothing about silent references.
TEST_P(GoldenLosses, ThresholdedSnr) {
  SUNDER_NEEDS_SHARED("golden/models/invariant_losses.safetensors");
  const Golden golden("invariant_losses", GetParam());
  const Shape shape = golden("snr.target").shape();
  const Variable estimate(golden("snr.estimate").reshape({shape[0], 1, shape[1]}), true);
  const Tensor target = golden("snr.target").reshape({shape[0], 1, shape[1]});
  const double snr_max_db = golden.constant("snr_max");
  golden.expect_equal(pit_snr(target, estimate, snr_max_db).value(), "snr.loss", result32);
  backward(pit_loss(target, estimate, snr_max_db));
  golden.expect_equal(estimate.grad().reshape(shape), "snr.grad_estimate", gradient32, golden.largest("snr.grad_"));
}

TEST_P(GoldenLosses, Pit) {
  SUNDER_NEEDS_SHARED("golden/models/invariant_losses.safetensors");
  const Golden golden("invariant_losses", GetParam());
  const double snr_max_db = golden.constant("snr_max");
  for (const std::string prefix : {"pit2.", "pit3.", "pit4."}) {
    const Tensor target = golden(prefix + "target");
    const Variable estimate(golden(prefix + "estimate"), true);
    const PitSnr result = pit_snr(target, estimate.value(), snr_max_db);
    golden.expect_equal(result.loss, prefix + "loss", result32);
    expect_indices(golden, prefix + "best_assignment", result.assignment);
    backward(pit_loss(target, estimate, snr_max_db));
    golden.expect_equal(estimate.grad(), prefix + "grad_estimate", gradient32, golden.largest(prefix + "grad_"));
  }
}

TEST_P(GoldenLosses, Mixit) {
  SUNDER_NEEDS_SHARED("golden/models/invariant_losses.safetensors");
  const Golden golden("invariant_losses", GetParam());
  const double snr_max_db = golden.constant("snr_max");
  const Tensor target = golden("mixit.target");
  const Variable estimate(golden("mixit.estimate"), true);
  const MixitSnr result = mixit_snr(target, estimate.value(), snr_max_db);
  golden.expect_equal(result.loss, "mixit.loss", result32);
  expect_indices(golden, "mixit.best_assignment", result.assignment);
  backward(mixit_loss(target, estimate, snr_max_db));
  golden.expect_equal(estimate.grad(), "mixit.grad_estimate", gradient32, golden.largest("mixit.grad_"));
}

// The permutation and the 0/1 matrix that the index stands for are the same thing.
TEST_P(GoldenLosses, IndicesNameTheMatrices) {
  SUNDER_NEEDS_SHARED("golden/models/invariant_losses.safetensors");
  const Golden golden("invariant_losses", GetParam());
  for (const std::string prefix : {"pit2.", "pit3.", "pit4.", "mixit."}) {
    const Tensor target = golden(prefix + "target"), estimate = golden(prefix + "estimate");
    const auto matrices = golden(prefix + "assignments").cast(DType::float64).to_vector<double>();
    const int64_t rows = target.size(1), columns = estimate.size(1);
    std::vector<int64_t> index, output_to_row(estimate.size(0) * columns);
    if (prefix == "mixit.") {
      const MixitSnr result = mixit_snr(target, estimate);
      index = result.assignment.to_vector<int64_t>();
      output_to_row = result.mixture_of.to_vector<int64_t>();
    } else {
      const PitSnr result = pit_snr(target, estimate);
      index = result.assignment.to_vector<int64_t>();
      const auto permutation = result.permutation.to_vector<int64_t>();
      for (int64_t i = 0; i < target.size(0) * rows; ++i) output_to_row[i / rows * rows + permutation[i]] = i % rows;
    }
    for (int64_t item = 0; item < target.size(0); ++item)
      for (int64_t row = 0; row < rows; ++row)
        for (int64_t column = 0; column < columns; ++column)
          EXPECT_EQ(matrices[(index[item] * rows + row) * columns + column],
                    output_to_row[item * columns + column] == row);
  }
}

TEST_P(GoldenLosses, MixcycleRemixesAndScores) {
  SUNDER_NEEDS_SHARED("golden/models/mixcycle_step.safetensors");
  const Golden golden("mixcycle_step", GetParam());
  const Remixed remixed = remix_estimates(golden("teacher"), exchange_order(golden.file().tensors.at("swap")));
  golden.expect_equal(remixed.targets, "target", result32);
  const Shape shape = remixed.mixtures.shape();
  golden.expect_equal(remixed.mixtures.reshape({shape[0], 1, shape[1]}), "artificial", result32);
  const Variable student(golden("output"), true);
  const double snr_max_db = golden.constant("snr_max");
  // In float32 the stored signals are rounded themselves.
  golden.expect_equal(pit_snr(golden("target"), student.value(), snr_max_db).loss, "loss", 2e-7);
  expect_indices(golden, "best_assignment", pit_snr(golden("target"), student.value(), snr_max_db).assignment);
  golden.expect_equal(pit_loss(golden("target"), student, snr_max_db).value(), "total_loss", 2e-7);
}

// Outputs of networks: other sizes, four sources.
TEST_P(GoldenLosses, NetworkOutputs) {
  SUNDER_NEEDS_SHARED("golden/models/stft_conv_tasnet_s4.safetensors");
  for (const std::string name : {"stft_conv_tasnet_s2", "stft_conv_tasnet_s4"}) {
    const Golden golden(name, GetParam());
    const PitSnr result = pit_snr(golden("pit.target"), golden("output"), golden.constant("snr_max"));
    golden.expect_equal(result.loss, "pit.loss", 3e-6);
    expect_indices(golden, "pit.best_assignment", result.assignment);
  }
  const Golden golden("stft_conv_tasnet_s4", GetParam());  // mixtures: the sums of sources 0 + 1 and 2 + 3
  const Tensor sources = golden("pit.target");
  const int64_t items = sources.size(0), length = sources.size(2), pairs = sources.size(1) / 2;
  std::vector<int64_t> order(items * pairs * 2);
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int64_t>(i);
  const Tensor mixtures = remix(sources.reshape({items * pairs * 2, length}), Tensor::from(order, {items * pairs, 2}))
                              .mixtures.reshape({items, pairs, length});
  const MixitSnr result = mixit_snr(mixtures, golden("output"), golden.constant("snr_max"));
  golden.expect_equal(result.loss, "mixit.loss", 3e-6);
  expect_indices(golden, "mixit.best_assignment", result.assignment);
}

INSTANTIATE_TEST_SUITE_P(Precisions, GoldenLosses, testing::Values(DType::float64, DType::float32),
                         [](const auto& test) { return to_string(test.param); });

}  // namespace
}  // namespace sunder
