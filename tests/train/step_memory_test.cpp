#include "train/step_memory.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string_view>

#include "nn/stft_conv_tasnet.h"
#include "nn/tfgridnet_separator.h"
#include "objectives/step.h"
#include "tensor/memory_forecast.h"
#include "tensor/parallel.h"
#include "tensor/random.h"

namespace sunder {
namespace {

Tensor noise(Shape shape, uint64_t which) {
  const Tensor signal = Tensor::empty(std::move(shape), DType::float32);
  Random random(which, RandomUse::test);
  for (int64_t i = 0; i < signal.numel(); ++i) signal.mutable_data<float>()[i] = static_cast<float>(random.normal());
  return signal;
}

// What a step said it would need is what it takes, and saying so changed nothing.
void expect_predicted(const Separator& network, const std::vector<Tensor>& inputs, int64_t samples,
                      const StepTask::Loss& loss) {
  const char* pool = std::getenv("SUNDER_POOL");
  if (pool && std::string_view(pool) == "off") GTEST_SKIP() << "nothing is kept without the pool";
  const Tensor start = network.parameters().values().clone();
  const auto stepped = [&] {
    network.parameters().values().copy_from(start);
    Adam fresh(network.parameters(), 1e-3, {});
    StepRunner(network.parameters(), fresh, cuda::GraphUse::off).run(StepTask(loss), inputs);
    return network.parameters().values().to_vector<float>();
  };
  const std::vector<float> expected = stepped();
  network.parameters().values().copy_from(start);

  Adam adam(network.parameters(), 1e-3, {});
  StepRunner runner(network.parameters(), adam, cuda::GraphUse::off);
  const auto predicted = predict_step_memory(network.parameters(), inputs, samples, network.shortest_input(), loss);
  ASSERT_TRUE(predicted);
  release_cached_memory(cpu_device);
  const size_t before = memory_stats(cpu_device).bytes_reserved;
  runner.run(StepTask(loss), inputs);
  const auto taken = static_cast<double>(memory_stats(cpu_device).bytes_reserved - before);
  EXPECT_NEAR(static_cast<double>(*predicted) / taken, 1, memory_forecast_error) << taken;
  EXPECT_EQ(network.parameters().values().to_vector<float>(), expected);
}

TEST(StepMemory, TfGridNet) {
  TfGridNetSeparatorConfig config;
  config.network = {.microphones = 3, .emb_dim = 16, .num_blocks = 2, .lstm_hidden = 16, .heads = 4, .qk_channels = 2};
  const TfGridNetSeparator network(config, DType::float32, cpu_device, 1);
  const Tensor far = noise({2, 3, 16000}, 1), close = noise({2, 2, 16000}, 2);
  expect_predicted(network, {far, close}, 16000, [&](const auto& in) { return m2m_step(network, in[0], in[1], {}); });
  expect_predicted(network, {far}, 16000, [&](const auto& in) { return unssor_step(network, in[0], {}); });
}

TEST(StepMemory, ConvTasNet) {
  const auto network = std::make_unique<StftConvTasNet>(StftConvTasNetConfig{.num_feats = 16, .num_hidden = 32},
                                                        DType::float32, cpu_device, 1);
  const Tensor references = noise({2, 2, 24000}, 1), mixtures = noise({2, 24000}, 2);
  expect_predicted(*network, {references, mixtures}, 24000,
                   [&](const auto& in) { return pit_step(*network, in[0], in[1]); });
  // Segments too short to take a piece of are not spoken of.
  EXPECT_FALSE(predict_step_memory(network->parameters(), {references, mixtures}, 1500, network->shortest_input(),
                                   [&](const auto& in) { return pit_step(*network, in[0], in[1]); }));
}

// Which thread takes a piece of a loop is chance.
TEST(StepMemory, ThreadsDoNotMatter) {
  const auto network = std::make_unique<StftConvTasNet>(StftConvTasNetConfig{.num_feats = 16, .num_hidden = 32},
                                                        DType::float32, cpu_device, 1);
  const Tensor references = noise({2, 2, 12288}, 1), mixtures = noise({2, 12288}, 2);
  const auto predicted = [&] {
    return predict_step_memory(network->parameters(), {references, mixtures}, 12288, network->shortest_input(),
                               [&](const auto& in) { return pit_step(*network, in[0], in[1]); });
  };
  set_num_threads(1);
  const auto alone = predicted();
  EXPECT_TRUE(alone);
  set_num_threads(16);
  for (int i = 0; i < 30; ++i) EXPECT_EQ(predicted(), alone) << i;
  set_num_threads(0);
}

}  // namespace
}  // namespace sunder
