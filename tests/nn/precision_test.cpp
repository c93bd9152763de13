// What a network computes in: names, copies of parameters, and how far the gradients of a first step are from
// float64's.
#include "nn/precision.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "nn/stft_conv_tasnet.h"
#include "objectives/pit.h"
#include "tensor/random.h"
#include "tests/cuda_device.h"

namespace sunder {
namespace {

TEST(PrecisionTest, HasFourNamesOfWhichTheCpuKnowsTwo) {
  EXPECT_EQ(parse_precision("fp64", cpu_device).signals, DType::float64);
  EXPECT_EQ(parse_precision("fp32", cpu_device).activations, DType::float32);
  EXPECT_EQ(parse_precision("fp32", first_cuda_device).tf32, Tf32::off) << "true float32 unless asked";
  const Precision tf32 = parse_precision("tf32", first_cuda_device), bf16 = parse_precision("bf16", first_cuda_device);
  EXPECT_TRUE(tf32.tf32 == Tf32::on && tf32.activations == DType::float32);
  EXPECT_TRUE(bf16.tf32 == Tf32::off && bf16.activations == DType::bfloat16 && bf16.signals == DType::float32);
  EXPECT_THROW(parse_precision("tf32", cpu_device), UsageError);
  EXPECT_THROW(parse_precision("bf16", cpu_device), UsageError);
  EXPECT_THROW(parse_precision("fp16", first_cuda_device), UsageError);
}

TEST(PrecisionTest, ACopyStandsInForAParameterAndLeavesItsGradientAlone) {
  Parameters parameters;
  Variable first, second;
  parameters.declare(&first, {"first", {3}, Init::constant(1)});
  parameters.declare(&second, {"second", {2, 2}, Init::fan_in(4)});
  parameters.allocate(DType::float32, cpu_device, /*seed=*/1);
  const Tensor copy = parameters.values().cast(DType::bfloat16);
  const Variable rounded = parameters.in_copy(copy, second);
  EXPECT_EQ(rounded.value().dtype(), DType::bfloat16);
  EXPECT_EQ(rounded.value().cast(DType::float32).to_vector<float>(),
            second.value().cast(DType::bfloat16).cast(DType::float32).to_vector<float>());
  const Variable doubled =
      record("double", second.value(), {rounded}, [](const Tensor& grad) -> std::vector<Tensor> { return {grad}; });
  backward(doubled, Tensor::full({2, 2}, 3, DType::float32));
  EXPECT_EQ(second.grad().to_vector<float>(), std::vector<float>(4, 3));
}

// Eight blocks, on noise of several levels.
class FirstStep : public testing::Test {
 protected:
  static constexpr int64_t items = 3, length = 2500;

  void SetUp() override { SUNDER_NEEDS_CUDA(); }

  static Tensor signals(Shape shape) {
    const Tensor result = Tensor::empty(std::move(shape), DType::float64);
    Random random(3, RandomUse::test);
    for (int64_t i = 0; i < result.numel(); ++i)
      result.mutable_data<double>()[i] = random.normal() * std::pow(2.0, static_cast<double>(i / length % 3));
    return result;
  }

  // The gradients of all parameters in one row, float64 on the host. linear: all slopes are 1.
  static Tensor gradients(Precision precision, Stream stream, bool linear = false) {
    const StftConvTasNetConfig sizes{
        .n_fft = 128, .hop_length = 32, .num_feats = 40, .num_hidden = 72, .num_stacks = 2};
    const StftConvTasNet network(sizes, precision, stream, /*seed=*/5);
    for (const auto& [name, tensor] : network.parameters().state_dict())
      if (linear && tensor.numel() == 1) tensor.copy_from(Tensor::full(tensor.shape(), 1, tensor.dtype(), stream));
    const Tensor references = signals({items, 2, length}).cast(precision.signals).to(stream);
    const Tensor mixtures = sum(Variable(references), {1}).value();
    const Variable estimates = network.forward(mixtures);
    EXPECT_EQ(estimates.value().dtype(), precision.signals);
    backward(pit_loss(references, estimates));
    return network.parameters().gradients().to(cpu_device).cast(DType::float64);
  }

  static double norm(const Tensor& x) {
    double squares = 0;
    for (const double value : x.to_vector<double>()) squares += value * value;
    return std::sqrt(squares);
  }

  // |gradients - those of float64| / |those of float64|
  static double error(const char* name, bool linear = false) {
    const Tensor expected = gradients(DType::float64, cpu_device, linear);
    Tensor difference = gradients(parse_precision(name, first_cuda_device), first_cuda_device, linear);
    for (int64_t i = 0; i < difference.numel(); ++i) difference.mutable_data<double>()[i] -= expected.data<double>()[i];
    const double relative = norm(difference) / norm(expected);
    RecordProperty(fmt::format("{}{}_error", name, linear ? "_linear" : ""), fmt::format("{:.2e}", relative));
    return relative;
  }
};

TEST_F(FirstStep, IsNearFloat64) {
  EXPECT_LT(error("fp32"), 1e-5);  // hardly an input of a PReLU is near enough to zero to change sides
  EXPECT_LT(error("tf32"), first_step_error(tf32_unit));
  EXPECT_LT(error("bf16"), first_step_error(bfloat16_unit));
}

TEST_F(FirstStep, IsNearerWithoutKinks) {
  EXPECT_LT(error("tf32", /*linear=*/true), smooth_first_step_error(tf32_unit));
  EXPECT_LT(error("bf16", /*linear=*/true), smooth_first_step_error(bfloat16_unit));
}

TEST_F(FirstStep, HasTheSameBitsAgain) {
  for (const char* name : {"tf32", "bf16"}) {
    const Precision precision = parse_precision(name, first_cuda_device);
    EXPECT_EQ(gradients(precision, first_cuda_device).to_vector<double>(),
              gradients(precision, first_cuda_device).to_vector<double>())
        << name;
  }
}

}  // namespace
}  // namespace sunder
