// Ops against PyTorch's, results and gradients, in float64 and float32.
#include <gtest/gtest.h>

#include <cmath>

#include "autograd/ops.h"
#include "tests/golden.h"

namespace sunder {
namespace {

class GoldenOps : public testing::TestWithParam<DType> {
 protected:
  // Runs backward from sum(output * cotangent) and compares output and gradients; tolerances as in the README's table.
  struct Tolerance {
    double results, gradients;
  };
  static void check(const Golden& golden, const std::string& prefix, const Variable& output, const Tensor& cotangent,
                    const std::vector<std::pair<std::string, Variable>>& inputs, Tolerance tolerance) {
    golden.expect_equal(output.value(), prefix + "output", tolerance.results);
    backward(output, cotangent);
    const double largest = golden.largest(prefix + "grad.");
    for (const auto& [name, input] : inputs)
      golden.expect_equal(input.grad(), prefix + "grad." + name, tolerance.gradients, largest);
  }
};

TEST_P(GoldenOps, LayerNorm) {
  SUNDER_NEEDS_SHARED("golden/models/op_layer_norm.safetensors");
  const Golden golden("op_layer_norm", GetParam());
  const Variable x(golden("input"), true), gain(golden("weight"), true), bias(golden("bias"), true);
  check(golden, "", layer_norm(x, gain, bias, golden.constant("eps")), golden("cotangent"),
        {{"input", x}, {"weight", gain}, {"bias", bias}}, {1e-7, 1e-7});
}

// The files' axes are (batch, channel, step), ours (batch, step, channel).
Variable channels_last(const Variable& x) { return permute(x, {0, 2, 1}); }

TEST_P(GoldenOps, Prelu) {
  SUNDER_NEEDS_SHARED("golden/models/op_prelu.safetensors");
  const Golden golden("op_prelu", GetParam());
  for (const std::string prefix : {"single.", "per_channel."}) {
    const Variable x(golden(prefix + "input"), true), slope(golden(prefix + "weight"), true);
    check(golden, prefix, channels_last(prelu(channels_last(x), slope)), golden(prefix + "cotangent"),
          {{"input", x}, {"weight", slope}}, {3e-8, 9e-8});
  }
}

TEST_P(GoldenOps, GroupNorm) {
  SUNDER_NEEDS_SHARED("golden/models/op_group_norm.safetensors");
  const Golden golden("op_group_norm", GetParam());
  const Variable x(golden("input"), true), gain(golden("weight"), true), bias(golden("bias"), true);
  check(golden, "", channels_last(global_norm(channels_last(x), gain, bias, golden.constant("eps"))),
        golden("cotangent"), {{"input", x}, {"weight", gain}, {"bias", bias}}, {5e-8, 9e-8});
}

TEST_P(GoldenOps, Attention) {
  SUNDER_NEEDS_SHARED("golden/models/op_attention.safetensors");
  const Golden golden("op_attention", GetParam());
  const Variable query(golden("query"), true), key(golden("key"), true), value(golden("value"), true);
  const Variable scores = matmul(scale(query, 1 / std::sqrt(static_cast<double>(query.size(-1)))), key, false, true);
  check(golden, "", matmul(softmax(scores), value), golden("cotangent"),
        {{"query", query}, {"key", key}, {"value", value}}, {6e-8, 3e-6});
}

INSTANTIATE_TEST_SUITE_P(Precision, GoldenOps, testing::Values(DType::float64, DType::float32),
                         [](const auto& test) { return to_string(test.param); });

}  // namespace
}  // namespace sunder
