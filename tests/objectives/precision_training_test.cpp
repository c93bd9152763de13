// Training in lower precision reaches what training in float32 does.
#include <gtest/gtest.h>

#include "nn/adam.h"
#include "nn/stft_conv_tasnet.h"
#include "objectives/step.h"
#include "tests/cuda_device.h"
#include "tests/objectives/words.h"

namespace sunder {
namespace {

// Measured: 0.2 dB apart. Trajectories part after a few steps, whatever rounded first, and the score still rises.
constexpr double same_score_db = 0.5;

class PrecisionTraining : public testing::Test {
 protected:
  void SetUp() override { SUNDER_NEEDS_CUDA(); }

  struct Run {
    double si_snri;
    std::vector<float> parameters;
  };
  // PIT on four items.
  static Run train(const char* precision, Device device, int steps) {
    const StftConvTasNetConfig sizes{.num_feats = 32, .num_hidden = 64, .num_layers = 3, .num_stacks = 1};
    const auto network =
        std::make_unique<StftConvTasNet>(sizes, parse_precision(precision, device), device, /*seed=*/1);
    Adam adam(network->parameters(), 5e-3, AdamOptions{});
    const Items data = make_items(4);
    const Tensor references = data.references.to(device), mixtures = data.mixtures.to(device);
    for (int step = 0; step < steps; ++step) {
      network->parameters().zero_grad();
      const Variable loss = pit_step(*network, references, mixtures);
      backward(loss);
      adam.step(loss.value());
    }
    return {si_snri(*network, data), network->parameters().values().to_vector<float>()};
  }
};

TEST_F(PrecisionTraining, ReachesTheScoreOfFloat32) {
  constexpr int steps = 40;
  const double exact = train("fp32", cpu_device, steps).si_snri;
  RecordProperty("fp32_db", fmt::format("{:.2f}", exact));
  EXPECT_GT(exact, 10);
  for (const char* precision : {"tf32", "bf16"}) {
    const double reached = train(precision, first_cuda_device, steps).si_snri;
    RecordProperty(fmt::format("{}_db", precision), fmt::format("{:.2f}", reached));
    EXPECT_NEAR(reached, exact, same_score_db) << precision;
  }
}

TEST_F(PrecisionTraining, RepeatsToTheBit) {
  for (const char* precision : {"tf32", "bf16"})
    EXPECT_EQ(train(precision, first_cuda_device, 3).parameters, train(precision, first_cuda_device, 3).parameters)
        << precision;
}

}  // namespace
}  // namespace sunder
