// Adam over a network's buffers, against torch.optim.Adam with clip_grad_norm_.
#include "nn/adam.h"

#include <gtest/gtest.h>

#include "tests/golden.h"

namespace sunder {
namespace {

TEST(AdamTest, EqualsTorchOnTwoTensors) {
  SUNDER_NEEDS_SHARED("golden/models/op_adam.safetensors");
  const Golden golden("op_adam", DType::float64);
  Parameters parameters;
  Variable w, b;
  parameters.declare(&w, {"w", golden("w_start").shape(), Init::constant(0)});
  parameters.declare(&b, {"b", golden("b_start").shape(), Init::constant(0)});
  parameters.allocate(DType::float64, cpu_device, 0);
  parameters.load_state_dict({{"w", golden("w_start")}, {"b", golden("b_start")}}, "golden");
  Adam adam(parameters, golden.constant("lr"),
            {golden.constant("beta1"), golden.constant("beta2"), golden.constant("eps"), golden.constant("clip")});
  const auto gradients = parameters.named(parameters.gradients());
  const auto step_of = [](const Tensor& all, int64_t step) {
    return all.slice(step, step + 1).reshape(Shape(all.shape().begin() + 1, all.shape().end()));
  };
  for (int64_t step = 0; step < golden("grad_w").size(0); ++step) {
    gradients.at("w").copy_from(step_of(golden("grad_w"), step));
    gradients.at("b").copy_from(step_of(golden("grad_b"), step));
    adam.step(Tensor::full({1}, static_cast<double>(step), DType::float64));
    const auto report = adam.report().to_vector<double>();
    EXPECT_EQ(report[0], static_cast<double>(step));
    EXPECT_NEAR(report[1], golden("grad_norm").to_vector<double>()[step], 1e-9);
    EXPECT_EQ(report[2], 0);
    const auto expect = [&](const Variable& actual, const Tensor& expected) {
      const auto x = actual.value().to_vector<double>(), y = expected.to_vector<double>();
      for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], y[i], 1e-9) << "step " << step;
    };
    expect(w, step_of(golden("w"), step));
    expect(b, step_of(golden("b"), step));
  }
}

TEST(AdamTest, StateDictRestoresTheNextStepToTheBit) {
  const auto make = [](Parameters& parameters, Variable& w) {
    parameters.declare(&w, {"w", {5}, Init::fan_in(4)});
    parameters.allocate(DType::float32, cpu_device, 1);
    for (int64_t i = 0; i < 5; ++i) parameters.gradients().mutable_data<float>()[i] = 0.1f * static_cast<float>(i + 1);
  };
  const Tensor loss = Tensor::zeros({1}, DType::float32);
  Parameters first, second;
  Variable a, b;
  make(first, a);
  make(second, b);
  Adam one(first, 1e-2, {}), other(second, 1e-2, {});
  one.step(loss);
  std::map<std::string, Tensor> saved;
  for (const auto& [name, tensor] : one.state_dict()) saved[name] = tensor.clone();
  second.load_state_dict({{"w", a.value().clone()}}, "test");
  other.load_state_dict(saved, "test");
  one.step(loss);
  other.step(loss);
  EXPECT_EQ(a.value().to_vector<float>(), b.value().to_vector<float>());
  EXPECT_EQ(other.steps(), 2);
  other.restart();
  EXPECT_EQ(other.steps(), 0);
}

TEST(AdamTest, RefusesASavedStateThatWouldSpoilTheWeights) {
  Parameters parameters;
  Variable w;
  parameters.declare(&w, {"w", {3}, Init::constant(1)});
  parameters.allocate(DType::float32, cpu_device, 0);
  Adam adam(parameters, 1e-2, {});
  std::map<std::string, Tensor> good;
  for (const auto& [name, tensor] : adam.state_dict()) good[name] = tensor.clone();
  const auto refusal = [&](const std::string& name, const Tensor& values) {
    std::map<std::string, Tensor> saved = good;
    saved[name] = values;
    try {
      adam.load_state_dict(saved, "optimizer");
    } catch (const ModelError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const auto floats = [](float last) { return Tensor::from(std::vector<float>{0, 0, last}, {3}); };
  EXPECT_EQ(refusal("exp_avg.w", floats(-1)), "");
  EXPECT_EQ(refusal("exp_avg.w", floats(NAN)),
            "optimizer: expected finite numbers in the tensor exp_avg.w, found nan at 2");
  EXPECT_EQ(refusal("exp_avg_sq.w", floats(-1)),
            "optimizer: expected finite numbers of at least 0 in the tensor exp_avg_sq.w, found -1 at 2");
  EXPECT_NE(refusal("exp_avg_sq.w", floats(INFINITY)), "");
  EXPECT_NE(refusal("step", Tensor::full({1}, -1, DType::int64)), "");
  EXPECT_EQ(refusal("step", Tensor::full({1}, 5, DType::int64)), "");
}

// The largest decay rates and the smallest epsilon that the configuration allows, and no gradient at all.
TEST(AdamTest, EveryAllowedSettingKeepsTheWeightsFinite) {
  AdamConfig extremes;
  for (const Field& field : fields(extremes))
    if (field.name == "eps") extremes.eps = field.low;
  extremes.beta1 = extremes.beta2 = std::nextafter(1.0, 0.0);
  EXPECT_NO_THROW(check_ranges(fields(extremes), "test"));
  for (const DType dtype : {DType::float32, DType::float64}) {
    Parameters parameters;
    Variable w;
    parameters.declare(&w, {"w", {3}, Init::constant(1)});
    parameters.allocate(dtype, cpu_device, 0);
    Adam adam(parameters, extremes.lr, extremes);
    parameters.gradients().copy_from(Tensor::full(parameters.gradients().shape(), 0, dtype));
    for (int step = 0; step < 3; ++step) adam.step(Tensor::zeros({1}, dtype));
    for (const double value : parameters.values().cast(DType::float64).to_vector<double>())
      EXPECT_TRUE(std::isfinite(value)) << value;
  }
}

TEST(AdamTest, ANormOrLossThatIsNotFiniteLeavesEverythingAsItIs) {
  Parameters parameters;
  Variable w;
  parameters.declare(&w, {"w", {3}, Init::constant(1)});
  parameters.allocate(DType::float32, cpu_device, 0);
  Adam adam(parameters, 1e-2, {});
  const auto loss = [](double value) { return Tensor::full({1}, value, DType::float32); };
  parameters.gradients().mutable_data<float>()[1] = INFINITY;
  adam.step(loss(0));
  parameters.gradients().zero();
  adam.step(loss(NAN));
  EXPECT_EQ(adam.skipped(), 2);
  EXPECT_EQ(adam.report().to_vector<double>()[2], 2);
  EXPECT_EQ(adam.steps(), 0);
  EXPECT_EQ(w.value().to_vector<float>(), std::vector<float>(3, 1.0f));
  adam.step(loss(0));
  EXPECT_EQ(adam.skipped(), 0);
  EXPECT_EQ(adam.steps(), 1);
}

// Three tensors of which the middle one is frozen: it keeps its bits, and the norm is that of the others.
TEST(AdamTest, FrozenParametersKeepTheirBits) {
  Parameters parameters;
  Variable a, b, c;
  parameters.declare(&a, {"a", {3}, Init::fan_in(4)});
  parameters.declare(&b, {"b", {17}, Init::fan_in(4)});
  parameters.declare(&c, {"c", {2}, Init::fan_in(4)});
  parameters.allocate(DType::float32, cpu_device, 1);
  Adam adam(parameters, 1e-2, {.weight_decay = 0.1, .ema = 0.9});
  adam.freeze({"b"});
  const auto before = b.value().to_vector<float>(), other = c.value().to_vector<float>();
  for (int step = 0; step < 3; ++step) {
    parameters.gradients().zero();
    for (const auto& [name, gradient] : parameters.named(parameters.gradients()))
      gradient.copy_from(Tensor::full(gradient.shape(), name == "b" ? 100 : 0.5, DType::float32));
    adam.step(Tensor::zeros({1}, DType::float32));
    EXPECT_NEAR(adam.report().to_vector<double>()[1], std::sqrt(5 * 0.25), 1e-6);
  }
  EXPECT_EQ(b.value().to_vector<float>(), before);
  EXPECT_EQ(parameters.named(adam.average()).at("b").to_vector<float>(), before);
  EXPECT_NE(c.value().to_vector<float>(), other);
  EXPECT_NE(parameters.named(adam.average()).at("c").to_vector<float>(), c.value().to_vector<float>());

  // What is loaded is what is kept from then on.
  std::map<std::string, Tensor> saved = parameters.state_dict(), state = adam.state_dict();
  for (auto& [name, tensor] : saved) tensor = tensor.clone();
  for (auto& [name, tensor] : state) tensor = tensor.clone();
  saved["b"] = Tensor::full({17}, 7, DType::float32);
  parameters.load_state_dict(saved, "test");
  adam.load_state_dict(state, "test");
  adam.step(Tensor::zeros({1}, DType::float32));
  EXPECT_EQ(b.value().to_vector<float>(), std::vector<float>(17, 7));
}

TEST(AdamTest, AveragedWeightsAreThereForAWhile) {
  Parameters parameters;
  Variable w;
  parameters.declare(&w, {"w", {5}, Init::constant(1)});
  parameters.allocate(DType::float32, cpu_device, 0);
  Adam adam(parameters, 1e-2, {.ema = 0.5});
  parameters.gradients().zero();
  for (int64_t i = 0; i < 5; ++i) parameters.gradients().mutable_data<float>()[i] = 1;
  adam.step(Tensor::zeros({1}, DType::float32));
  const auto weights = parameters.values().to_vector<float>(), average = adam.average().to_vector<float>();
  EXPECT_NE(weights, average);
  {
    const AveragedWeights scope(parameters, adam);
    EXPECT_EQ(parameters.values().to_vector<float>(), average);
  }
  EXPECT_EQ(parameters.values().to_vector<float>(), weights);
  adam.restart();
  EXPECT_EQ(adam.average().to_vector<float>(), weights);
}

}  // namespace
}  // namespace sunder
