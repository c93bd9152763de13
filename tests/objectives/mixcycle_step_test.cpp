// One whole MixCycle step against the authors' trainer: teacher, re-mixing, loss, every gradient, clipping, Adam.
#include <gtest/gtest.h>

#include "nn/adam.h"
#include "nn/stft_conv_tasnet.h"
#include "objectives/mixcycle.h"
#include "objectives/pit.h"
#include "objectives/step.h"
#include "tests/golden.h"

namespace sunder {
namespace {

class MixcycleStep : public testing::TestWithParam<DType> {};

TEST_P(MixcycleStep, EqualsTheAuthorsTrainer) {
  SUNDER_NEEDS_SHARED("golden/models/mixcycle_step.safetensors");
  constexpr double result32 = 2e-7, gradient32 = 2e-6;  // PyTorch's own deviation in float32
  const Golden golden("mixcycle_step", GetParam());
  const auto size = [&](const char* name) { return static_cast<int64_t>(golden.constant(name)); };
  const StftConvTasNet network({.sources = size("sources"),
                                .n_fft = size("n_fft"),
                                .hop_length = size("hop_length"),
                                .num_feats = size("num_feats"),
                                .num_hidden = size("num_hidden"),
                                .num_layers = size("num_layers"),
                                .num_stacks = size("num_stacks")},
                               GetParam(), cpu_device, 0);
  std::map<std::string, Tensor> weights;
  for (const auto& [name, tensor] : golden.file().tensors)
    if (name.starts_with("mask_generator.")) weights[name] = tensor;
  network.parameters().load_state_dict(weights, "golden");
  Adam adam(network.parameters(), golden.constant("lr"),
            {golden.constant("beta1"), golden.constant("beta2"), golden.constant("eps"), golden.constant("clip")});

  const Tensor input = golden("input").reshape({golden("input").size(0), golden("input").size(2)});
  const Tensor swap = golden.file().tensors.at("swap");
  golden.expect_equal(network.forward(input).value(), "teacher", result32);
  network.parameters().zero_grad();
  const Variable loss = mixcycle_step(network, input, exchange_order(swap));
  golden.expect_equal(loss.value().reshape({}), "total_loss", result32);
  backward(loss);
  const double largest = golden.largest("grad.");
  for (const auto& [name, grad] : network.parameters().named(network.parameters().gradients()))
    golden.expect_equal(grad, "grad." + name, gradient32, largest);

  adam.step(loss.value());
  const double norm = adam.report().to_vector<double>()[1], expected_norm = golden("grad_norm").item();
  EXPECT_NEAR(norm, expected_norm, (GetParam() == DType::float64 ? 1e-9 : 1e-5) * expected_norm);
  const double scale = std::min(1.0, golden.constant("clip") / expected_norm);
  for (const auto& [name, value] : network.parameters().state_dict()) {
    const auto after = value.cast(DType::float64).to_vector<double>();
    const auto expected = golden("after." + name).cast(DType::float64).to_vector<double>();
    const auto grad = golden("grad." + name).cast(DType::float64).to_vector<double>();
    for (size_t i = 0; i < after.size(); ++i) {
      // In float32 an entry whose clipped gradient is near Adam's eps may move anywhere within +-lr.
      if (GetParam() == DType::float32 && std::abs(grad[i]) * scale <= 1e-6) continue;
      EXPECT_NEAR(after[i], expected[i], GetParam() == DType::float64 ? 1e-9 : 1e-6) << name << " " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Precisions, MixcycleStep, testing::Values(DType::float64, DType::float32),
                         [](const auto& instance) { return to_string(instance.param); });

}  // namespace
}  // namespace sunder
