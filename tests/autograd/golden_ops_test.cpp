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

TEST_P(GoldenOps, Lstm) {
  SUNDER_NEEDS_SHARED("golden/models/op_lstm.safetensors");
  const Golden golden("op_lstm", GetParam());
  const Variable x(golden("input"), true);
  std::vector<std::pair<std::string, Variable>> inputs{{"input", x}};
  std::vector<Variable> weights;
  for (const std::string name : {"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"}) {
    inputs.emplace_back(name, Variable(golden(name), true));
    inputs.emplace_back(name + "_reverse", Variable(golden(name + "_reverse"), true));
    Shape shape = golden(name).shape();
    shape.insert(shape.begin(), 2);
    weights.push_back(reshape(concat({inputs.end()[-2].second, inputs.end()[-1].second}, 0), shape));
  }
  check(golden, "", lstm(x, weights[0], weights[1], weights[2], weights[3]), golden("cotangent"), inputs, {1e-7, 2e-7});
}

// The files' axes are (batch, channel, row, column), ours (batch, row, column, channel).
Variable to_last(const Variable& x) { return permute(x, {0, 2, 3, 1}); }
Variable to_second(const Variable& x) { return permute(x, {0, 3, 1, 2}); }

// Along an axis of a weight, with the file's stride and padding.
SlidingWindow::Axis along(const Golden& golden, const Variable& weight, int axis) {
  return {weight.size(axis), static_cast<int64_t>(golden.constant("stride")),
          static_cast<int64_t>(golden.constant("padding"))};
}
// The size that a transposed convolution gives an axis of `size`.
int64_t widened(const SlidingWindow::Axis& axis, int64_t size) {
  return (size - 1) * axis.stride + axis.kernel - 2 * axis.padding;
}

TEST_P(GoldenOps, Conv2d) {
  SUNDER_NEEDS_SHARED("golden/models/op_conv2d.safetensors");
  const Golden golden("op_conv2d", GetParam());
  const Variable x(golden("input"), true), weight(golden("weight"), true), bias(golden("bias"), true);
  const SlidingWindow window{along(golden, weight, 2), along(golden, weight, 3)};
  const Variable y = linear(unfold(to_last(x), window), reshape(weight, {weight.size(0), -1}), bias);
  check(golden, "", to_second(y), golden("cotangent"), {{"input", x}, {"weight", weight}, {"bias", bias}},
        {1e-7, 3e-7});
}

TEST_P(GoldenOps, ConvTranspose2d) {
  SUNDER_NEEDS_SHARED("golden/models/op_conv_transpose2d.safetensors");
  const Golden golden("op_conv_transpose2d", GetParam());
  const Variable x(golden("input"), true), weight(golden("weight"), true), bias(golden("bias"), true);
  const SlidingWindow window{along(golden, weight, 2), along(golden, weight, 3)};
  const Variable windows = matmul(to_last(x), reshape(weight, {weight.size(0), -1}));
  const Variable y = add(fold(windows, widened(window.t, x.size(2)), widened(window.f, x.size(3)), window), bias);
  check(golden, "", to_second(y), golden("cotangent"), {{"input", x}, {"weight", weight}, {"bias", bias}},
        {8e-8, 2e-7});
}

TEST_P(GoldenOps, ConvTranspose1d) {
  for (const std::string name : {"op_conv_transpose1d_k4_s1", "op_conv_transpose1d_k2_s2"}) {
    SUNDER_NEEDS_SHARED("golden/models/" + name + ".safetensors");
    const Golden golden(name, GetParam());
    const Variable x(golden("input"), true), weight(golden("weight"), true), bias(golden("bias"), true);
    const SlidingWindow window{{}, along(golden, weight, 2)};
    const Variable rows = reshape(channels_last(x), {x.size(0), 1, x.size(2), x.size(1)});
    const int64_t steps = widened(window.f, x.size(2));
    const Variable y = fold(matmul(rows, reshape(weight, {weight.size(0), -1})), 1, steps, window);
    check(golden, "", channels_last(reshape(add(y, bias), {x.size(0), steps, bias.size(0)})), golden("cotangent"),
          {{"input", x}, {"weight", weight}, {"bias", bias}}, {9e-8, 7e-8});
  }
}

TEST_P(GoldenOps, DepthwiseConv1d) {
  SUNDER_NEEDS_SHARED("golden/models/op_depthwise_conv1d.safetensors");
  const Golden golden("op_depthwise_conv1d", GetParam());
  int dilations = 0;
  for (int64_t dilation = 1; dilation < 1000; ++dilation) {
    const std::string prefix = fmt::format("dilation{}.", dilation);
    if (!golden.file().tensors.contains(prefix + "input")) continue;
    ++dilations;
    const Variable x(golden(prefix + "input"), true), weight(golden(prefix + "weight"), true),
        bias(golden(prefix + "bias"), true);
    check(golden, prefix, channels_last(depthwise_conv1d(channels_last(x), weight, bias, dilation)),
          golden(prefix + "cotangent"), {{"input", x}, {"weight", weight}, {"bias", bias}}, {6e-8, 2e-7});
  }
  EXPECT_GT(dilations, 0) << "the file names no dilation";
}

INSTANTIATE_TEST_SUITE_P(Precision, GoldenOps, testing::Values(DType::float64, DType::float32),
                         [](const auto& test) { return to_string(test.param); });

}  // namespace
}  // namespace sunder
