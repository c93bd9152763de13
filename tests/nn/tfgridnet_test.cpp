// TF-GridNet against ESPnet's, and its gradients against finite differences.
#include "nn/tfgridnet.h"

#include <gtest/gtest.h>

#include <cmath>

#include "autograd/gradcheck.h"
#include "autograd/ops.h"
#include "tensor/random.h"
#include "tests/cuda_device.h"
#include "tests/golden.h"

namespace sunder {
namespace {

TfGridNetConfig config_of(const Golden& golden) {
  const auto size = [&](const char* name) { return static_cast<int64_t>(golden.constant(name)); };
  TfGridNetConfig config;
  config.sources = size("n_srcs");
  config.microphones = size("n_imics");
  config.emb_dim = size("emb_dim");
  config.num_blocks = size("n_layers");
  config.emb_ks = size("emb_ks");
  config.emb_hs = size("emb_hs");
  config.lstm_hidden = size("lstm_hidden_units");
  config.heads = size("attn_n_head");
  config.n_freqs = size("n_freqs");
  config.qk_channels = (size("attn_approx_qk_dim") + config.n_freqs - 1) / config.n_freqs;  // as ESPnet does
  config.eps = golden.constant("eps");
  return config;
}

class GoldenTfGridNet : public testing::TestWithParam<DType> {
 protected:
  // The files' axes are (batch, channel, frame, bin), ours (batch, frame, bin, channel).
  static void check(const std::string& name, double result32, double gradient32) {
    const Golden golden(name, GetParam());
    const TfGridNet network(config_of(golden), GetParam(), cpu_device, 0);
    EXPECT_EQ(network.config().qk_channels, golden.constant("qk_channels"));
    std::map<std::string, Tensor> weights;
    for (const auto& [key, tensor] : golden.file().tensors)
      if (key.starts_with("blocks.") || key.starts_with("conv.") || key.starts_with("deconv.")) weights[key] = tensor;
    network.parameters().load_state_dict(weights, "golden");
    const Variable input(golden("input"), true);
    const Variable output = permute(network.forward(permute(input, {0, 2, 3, 1})), {0, 3, 1, 2});
    golden.expect_equal(output.value(), "output", result32);
    backward(output, golden("cotangent"));
    const double largest = golden.largest("grad.");
    golden.expect_equal(input.grad(), "grad.input", gradient32, largest);
    for (const auto& [key, grad] : network.parameters().named(network.parameters().gradients()))
      golden.expect_equal(grad, "grad." + key, gradient32, largest);
  }
};

TEST_P(GoldenTfGridNet, NeighboursOnce) {
  SUNDER_NEEDS_SHARED("golden/models/tfgridnet_ks2_hs2.safetensors");
  check("tfgridnet_ks2_hs2", 3e-7, 4e-6);
}

TEST_P(GoldenTfGridNet, OverlappingNeighbours) {
  SUNDER_NEEDS_SHARED("golden/models/tfgridnet_ks4_hs1.safetensors");
  check("tfgridnet_ks4_hs1", 2e-7, 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Precisions, GoldenTfGridNet, testing::Values(DType::float64, DType::float32),
                         [](const auto& instance) { return to_string(instance.param); });

TEST(TfGridNetTest, HasThePapersNumberOfParameters) {
  EXPECT_EQ(TfGridNet({.microphones = 6}, DType::float32, cpu_device, 0).parameters().count(), 5'668'312);
  EXPECT_EQ(TfGridNet({.microphones = 1}, DType::float32, cpu_device, 0).parameters().count(), 5'659'672);
}

TfGridNetConfig tiny(int64_t kernel, int64_t stride) {
  return {.sources = 1,
          .microphones = 1,
          .emb_dim = 4,
          .num_blocks = 1,
          .emb_ks = kernel,
          .emb_hs = stride,
          .lstm_hidden = 2,
          .heads = 2,
          .qk_channels = 1,
          .n_freqs = 5};
}

Tensor waves(Shape shape, double step) {
  Tensor result = Tensor::empty(std::move(shape), DType::float64);
  for (int64_t i = 0; i < result.numel(); ++i)
    result.mutable_data<double>()[i] = std::sin(step * static_cast<double>(i + 1));
  return result;
}

TEST(TfGridNetTest, GradientOfTheInputEqualsFiniteDifferences) {
  for (const auto& [kernel, stride] : {std::pair(2, 2), {3, 3}, {3, 1}, {3, 2}, {1, 1}}) {
    const TfGridNet network(tiny(kernel, stride), DType::float64, cpu_device, 5);
    const auto forward = [&](const std::vector<Variable>& in) { return std::vector{network.forward(in[0])}; };
    const GradcheckResult result = gradcheck(forward, {waves({2, 3, 5, 2}, 0.7)}, {true});
    EXPECT_LE(result.error, 1e-6) << kernel << ' ' << stride << ": " << result.detail;
  }
}

// Along one direction through all parameters, a central difference.
TEST(TfGridNetTest, GradientOfTheParametersEqualsFiniteDifferences) {
  for (const auto& [kernel, stride] : {std::pair(2, 2), {3, 1}}) {
    const TfGridNet network(tiny(kernel, stride), DType::float64, cpu_device, 5);
    const Tensor &values = network.parameters().values(), &gradients = network.parameters().gradients();
    const Tensor input = waves({2, 3, 5, 2}, 0.7), cotangent = waves({2, 3, 5, 2}, 1.3);
    const Tensor start = values.clone(), direction = waves(values.shape(), 0.9);
    backward(sum(multiply(network.forward(Variable(input)), Variable(cotangent))));
    double expected = 0;
    for (int64_t i = 0; i < values.numel(); ++i) expected += gradients.data<double>()[i] * direction.data<double>()[i];
    const auto loss_at = [&](double step) {
      for (int64_t i = 0; i < values.numel(); ++i)
        values.mutable_data<double>()[i] = start.data<double>()[i] + step * direction.data<double>()[i];
      const NoGrad no_grad;
      return sum(multiply(network.forward(Variable(input)), Variable(cotangent))).value().item();
    };
    constexpr double step = 1e-5;
    EXPECT_NEAR((loss_at(step) - loss_at(-step)) / (2 * step), expected, 1e-6 * std::abs(expected))
        << kernel << ' ' << stride;
  }
}

TEST(TfGridNetCuda, OutputAndGradientsEqualTheCpus) {
  SUNDER_NEEDS_CUDA();
  for (const auto& [kernel, stride] : {std::pair(2, 2), {3, 1}}) {
    std::vector<std::vector<double>> results[2];
    for (const Stream stream : {Stream(cpu_device), Stream(first_cuda_device)}) {
      const TfGridNet network(tiny(kernel, stride), DType::float64, stream, 5);
      const Variable input(waves({2, 3, 5, 2}, 0.7).to(stream), true);
      const Variable output = network.forward(input);
      backward(output, waves({2, 3, 5, 2}, 1.3).to(stream));
      auto& result = results[stream.device.is_cuda()];
      for (const Tensor& tensor : {output.value(), input.grad(), network.parameters().gradients()})
        result.push_back(tensor.to_vector<double>());
    }
    for (size_t k = 0; k < 3; ++k)
      for (size_t i = 0; i < results[0][k].size(); ++i)
        ASSERT_NEAR(results[1][k][i], results[0][k][i], 1e-12) << kernel << ' ' << stride << ' ' << k << ' ' << i;
  }
}

Tensor noise(Shape shape, uint64_t which) {
  Tensor result = Tensor::empty(std::move(shape), DType::float64);
  Random random(3, RandomUse::test, 0, which);
  for (int64_t i = 0; i < result.numel(); ++i) result.mutable_data<double>()[i] = random.normal();
  return result;
}

// The gradients of all parameters. linear: all slopes are 1.
std::vector<double> gradients_on_noise(Precision precision, Stream stream, bool linear) {
  const TfGridNetConfig config{
      .microphones = 2, .emb_dim = 16, .num_blocks = 2, .lstm_hidden = 12, .heads = 2, .qk_channels = 2, .n_freqs = 17};
  const TfGridNet network(config, precision, stream, /*seed=*/5);
  for (const auto& [name, tensor] : network.parameters().state_dict())
    if (linear && (name.ends_with("act.weight") || name.ends_with("proj.1.weight")))
      tensor.copy_from(Tensor::full(tensor.shape(), 1, tensor.dtype(), stream));
  const auto input = [&](uint64_t which) { return noise({2, 9, 17, 4}, which).cast(precision.signals).to(stream); };
  const Variable output = network.forward(Variable(input(1)));
  EXPECT_EQ(output.value().dtype(), precision.signals);
  backward(output, input(2));
  return network.parameters().gradients().cast(DType::float64).to_vector<double>();
}

// |gradients - those of float64| / |those of float64|
double first_step_error_of(const char* name, bool linear) {
  const auto expected = gradients_on_noise(DType::float64, cpu_device, linear);
  const auto actual = gradients_on_noise(parse_precision(name, first_cuda_device), first_cuda_device, linear);
  double difference = 0, total = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    difference += (actual[i] - expected[i]) * (actual[i] - expected[i]);
    total += expected[i] * expected[i];
  }
  const double error = std::sqrt(difference / total);
  testing::Test::RecordProperty(fmt::format("{}{}_error", name, linear ? "_linear" : ""), fmt::format("{:.2e}", error));
  return error;
}

// As nn/precision.h says, but more: softmax and norms stretch an error, and of eight PReLUs' inputs some change sides.
TEST(TfGridNetCuda, FirstStepIsNearFloat64) {
  SUNDER_NEEDS_CUDA();
  EXPECT_LT(first_step_error_of("fp32", false), 1e-4);
  EXPECT_LT(first_step_error_of("tf32", false), 4 * first_step_error(tf32_unit));
  EXPECT_LT(first_step_error_of("bf16", false), 4 * first_step_error(bfloat16_unit));
  EXPECT_LT(first_step_error_of("tf32", true), smooth_first_step_error(tf32_unit));
  EXPECT_LT(first_step_error_of("bf16", true), 2 * smooth_first_step_error(bfloat16_unit));
}

TEST(TfGridNetCuda, FirstStepHasTheSameBitsAgain) {
  SUNDER_NEEDS_CUDA();
  for (const char* name : {"fp64", "tf32", "bf16"}) {
    const Precision precision = parse_precision(name, first_cuda_device);
    EXPECT_EQ(gradients_on_noise(precision, first_cuda_device, false),
              gradients_on_noise(precision, first_cuda_device, false))
        << name;
  }
}

TEST(TfGridNetTest, StartsFromPyTorchsDefaults) {
  const TfGridNet network({.microphones = 3, .emb_dim = 8, .num_blocks = 1, .lstm_hidden = 16}, DType::float64,
                          cpu_device, 3);
  const auto start = network.parameters().state_dict();
  const auto expect_uniform = [&](const std::string& name, double fan_in) {
    double largest = 0;
    for (double value : start.at(name).to_vector<double>()) largest = std::max(largest, std::abs(value));
    EXPECT_LE(largest, 1 / std::sqrt(fan_in)) << name;
    EXPECT_GT(largest, 0.8 / std::sqrt(fan_in)) << name;
  };
  expect_uniform("conv.0.weight", 6 * 9);
  expect_uniform("blocks.0.intra_rnn.weight_ih_l0", 16);
  expect_uniform("blocks.0.intra_rnn.weight_hh_l0_reverse", 16);
  expect_uniform("blocks.0.inter_rnn.bias_hh_l0_reverse", 16);
  expect_uniform("blocks.0.inter_linear.weight", 32);
  expect_uniform("blocks.0.attn_conv_V.weight", 8);
  expect_uniform("deconv.weight", 4 * 9);
  EXPECT_EQ(start.at("blocks.0.attn_norm_Q.act.weight").to_vector<double>(), std::vector<double>(4, 0.25));
  EXPECT_EQ(start.at("blocks.0.attn_concat_proj.2.beta").to_vector<double>(), std::vector<double>(8 * 129, 0.0));
  EXPECT_NE(start.at("blocks.0.intra_rnn.weight_ih_l0").to_vector<double>(),
            start.at("blocks.0.intra_rnn.weight_ih_l0_reverse").to_vector<double>());
}

TEST(TfGridNetTest, RejectsSizesThatMakeNoNetwork) {
  const auto message = [](TfGridNetConfig config) -> std::string {
    try {
      TfGridNet(config, DType::float32, cpu_device, 0);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(message({.sources = 0}), "tf-gridnet: sources: expected a whole number from 1 to 64, got '0'");
  EXPECT_EQ(message({.emb_ks = 1, .emb_hs = 2}), "tf-gridnet: emb_ks: expected at least emb_hs = 2, got 1");
  EXPECT_EQ(message({.emb_dim = 10}), "tf-gridnet: emb_dim: expected a multiple of the 4 heads, got 10");
}

TEST(TfGridNetTest, RejectsFeaturesThatDoNotFit) {
  const TfGridNet network(tiny(2, 2), DType::float64, cpu_device, 0);
  for (const Shape& shape : {Shape{1, 3, 4, 2}, {1, 3, 5, 4}, {3, 5, 2}})
    EXPECT_THROW(network.forward(Variable(Tensor::zeros(shape, DType::float64))), Error) << to_string(shape);
}

}  // namespace
}  // namespace sunder
