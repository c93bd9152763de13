// Whole training steps of every method: on CUDA as on the CPU, captured as launched one by one, and waiting for
// nothing.
#include "train/step_runner.h"

#include <cmath>
#include <cstring>

#include "nn/stft_conv_tasnet.h"
#include "nn/tfgridnet_separator.h"
#include "objectives/mixcycle.h"
#include "objectives/mixit.h"
#include "objectives/step.h"
#include "tensor/memory.h"
#include "tensor/ops/l2_norm.h"
#include "tensor/random.h"
#include "tests/cuda_device.h"
#ifdef SUNDER_CUDA_EMULATED
#include "tests/emulator/emulator.h"
#endif

namespace sunder {
namespace {

constexpr int64_t batch = 4, length = 500;
const StftConvTasNetConfig small{
    .n_fft = 64, .hop_length = 16, .num_feats = 12, .num_hidden = 20, .num_layers = 2, .num_stacks = 2};

// Three microphones, two speakers.
TfGridNetSeparatorConfig small_far_field() {
  TfGridNetSeparatorConfig config;
  config.network = {.microphones = 3, .emb_dim = 8, .num_blocks = 1, .lstm_hidden = 6, .heads = 2, .qk_channels = 1};
  config.stft = {64, 16, "sqrt_hann"};
  config.input = "relative";
  config.output = "mask";
  return config;
}
const FcpOptions taps{.past = 3, .future = 1};
bool is_far_field(const std::string& method) {
  return method == "m2m" || method == "unssor" || method == "pit_spectra";
}

// Tones over noise, so that estimates, losses and assignments are those of a network that has something to learn.
Tensor signals(Shape shape, uint64_t which, DType dtype) {
  const Tensor host = Tensor::empty(std::move(shape), DType::float64);
  Random random(3, RandomUse::test, 0, which);
  const int64_t samples = host.size(-1);
  for (int64_t row = 0; row < host.numel() / samples; ++row) {
    const double frequency = random.uniform(0.05, 0.8), phase = random.uniform(0, 6);
    for (int64_t i = 0; i < samples; ++i)
      host.mutable_data<double>()[row * samples + i] =
          std::sin(frequency * static_cast<double>(i) + phase) + 0.1 * random.normal();
  }
  return host.cast(dtype);
}

// A network and the steps of one method on it.
class Training {
 public:
  Training(const std::string& method, Device device, Precision precision, bool graph,
           StftConvTasNetConfig sizes = small)
      : method_(method), dtype_(precision.signals), stream_(device) {
    sizes.sources = method == "mixit" ? 4 : 2;
    if (is_far_field(method))
      network_ = std::make_unique<TfGridNetSeparator>(small_far_field(), precision, stream_.get(), /*seed=*/5);
    else network_ = std::make_unique<StftConvTasNet>(sizes, precision, stream_.get(), /*seed=*/5);
    adam_ = std::make_unique<Adam>(network_->parameters(), 1e-2, AdamOptions{});
    runner_ = std::make_unique<StepRunner>(network_->parameters(), *adam_,
                                           graph ? cuda::GraphUse::required : cuda::GraphUse::off);
  }

  // The inputs of a step depend on its number alone.
  std::vector<Tensor> inputs(int64_t step, int64_t samples = length) const {
    if (is_far_field(method_)) {
      const Tensor recordings = signals({2, 3, samples}, 10 * step, dtype_);
      return {recordings, signals({2, 2, samples}, 10 * step + 1, dtype_)};
    }
    const Tensor mixtures = signals({batch, samples}, 10 * step, dtype_);
    if (method_ == "pit") return {signals({batch, 2, samples}, 10 * step + 1, dtype_), mixtures};
    if (method_ == "mixcycle") return {mixtures, exchange_order(swap_flags(0, 0, step, batch))};
    return {mixtures, signals({batch, samples}, 10 * step + 2, dtype_), sum_order(batch)};
  }
  void step(const std::vector<Tensor>& in) { runner_->run(task_, in); }
  void steps(int64_t first, int64_t end) {
    for (int64_t i = first; i < end; ++i) step(inputs(i));
  }

  const Separator& network() const { return *network_; }
  StepRunner& runner() { return *runner_; }
  Stream stream() const { return stream_.get(); }
  Tensor parameters() const { return network_->parameters().values().to(cpu_device); }
  Tensor gradients() const { return network_->parameters().gradients().to(cpu_device); }

 private:
  Variable loss(const std::vector<Tensor>& on_device) const {
    if (method_ == "m2m")
      return m2m_step(*network_->spectral(), on_device[0], on_device[1],
                      {.fcp = {.far = taps, .close = taps}, .anchor = 0.5});
    if (method_ == "unssor")
      return unssor_step(*network_->spectral(), on_device[0], {.fcp = {.far = taps}, .anchor = 0.5}, {}, on_device[1]);
    if (method_ == "pit_spectra") return pit_spectra_step(*network_->spectral(), on_device[1], on_device[0], "both");
    if (method_ == "pit") return pit_step(network(), on_device[0], on_device[1]);
    if (method_ == "mixcycle") return mixcycle_step(network(), on_device[0], on_device[1]);
    if (method_ == "mixit") return mixit_step(network(), on_device[0], on_device[1], on_device[2]);
    return mixpit_step(network(), {on_device[0], on_device[1]}, on_device[2]);
  }

  std::string method_;
  DType dtype_;
  cuda::OwnedStream stream_;
  std::unique_ptr<Separator> network_;
  std::unique_ptr<Adam> adam_;
  std::unique_ptr<StepRunner> runner_;
  const StepTask task_{[this](const std::vector<Tensor>& on_device) { return loss(on_device); }};
};

double largest_difference(const Tensor& a, const Tensor& b) {
  const auto x = a.cast(DType::float64).to_vector<double>(), y = b.cast(DType::float64).to_vector<double>();
  double largest = 0;
  for (size_t i = 0; i < x.size(); ++i) largest = std::max(largest, std::abs(x[i] - y[i]));
  return largest;
}

void expect_same_bits(const Tensor& a, const Tensor& b) {
  ASSERT_EQ(a.bytes(), b.bytes());
  EXPECT_EQ(std::memcmp(a.raw(), b.raw(), a.bytes()), 0);
}

class StepRunnerTest : public testing::TestWithParam<std::string> {};

TEST_P(StepRunnerTest, TheCpuHasEveryResultAtOnce) {
  Training training(GetParam(), cpu_device, DType::float32, /*graph=*/false);
  const Tensor before = training.parameters().clone();
  training.steps(0, 2);
  const auto results = training.runner().results(/*wait=*/false);
  ASSERT_EQ(results.size(), 2u);
  EXPECT_TRUE(std::isfinite(results[1].loss));
  EXPECT_GT(results[1].norm, 0);
  EXPECT_EQ(results[1].skipped, 0);
  EXPECT_GT(largest_difference(before, training.parameters()), 1e-3);
}

class CudaStepRunnerTest : public StepRunnerTest {
 protected:
  void SetUp() override { SUNDER_NEEDS_CUDA(); }
};

TEST_P(CudaStepRunnerTest, TenStepsEqualTheCpus) {
  Training here(GetParam(), cpu_device, DType::float64, false),
      there(GetParam(), first_cuda_device, DType::float64, true);
  here.steps(0, 10);
  there.steps(0, 10);
  const auto expected = here.runner().results(true), actual = there.runner().results(true);
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i].loss, expected[i].loss, 1e-9) << i;
  EXPECT_LE(largest_difference(here.parameters(), there.parameters()), 1e-9);
}

TEST_P(CudaStepRunnerTest, FirstGradientsEqualTheCpusInSinglePrecision) {
  Training here(GetParam(), cpu_device, DType::float32, false),
      there(GetParam(), first_cuda_device, DType::float32, true);
  here.steps(0, 1);
  there.steps(0, 1);
  const double norm = here.runner().results(true)[0].norm;
  EXPECT_NEAR(there.runner().results(true)[0].norm, norm, 1e-4 * norm);
  EXPECT_LE(largest_difference(here.gradients(), there.gradients()), 1e-4 * norm);
}

TEST_P(CudaStepRunnerTest, AGraphGivesTheSameBitsAsLaunches) {
  for (const char* name : {"fp32", "tf32", "bf16"}) {
    SCOPED_TRACE(name);
    const Precision precision = parse_precision(name, first_cuda_device);
    Training eager(GetParam(), first_cuda_device, precision, false),
        graph(GetParam(), first_cuda_device, precision, true);
    eager.steps(0, 5);
    graph.steps(0, 5);
    const auto expected = eager.runner().results(true), actual = graph.runner().results(true);
    ASSERT_EQ(actual.size(), 5u);
    for (size_t i = 0; i < actual.size(); ++i) {
      EXPECT_EQ(actual[i].loss, expected[i].loss) << i;
      EXPECT_EQ(actual[i].norm, expected[i].norm) << i;
    }
    expect_same_bits(eager.parameters(), graph.parameters());
    EXPECT_GT(graph.runner().graph_size().kernels, 0u);
    EXPECT_EQ(eager.runner().graph_size().total(), 0u);
  }
}

// What others allocate and fill after the capture must not lie where the graph writes, nor the other way round.
TEST_P(CudaStepRunnerTest, MemoryTakenAfterTheCaptureIsNotTheGraphs) {
  Training alone(GetParam(), first_cuda_device, DType::float32, true),
      disturbed(GetParam(), first_cuda_device, DType::float32, true);
  alone.steps(0, 6);
  disturbed.steps(0, 3);
  std::vector<Tensor> others;
  for (int64_t size = 1; size < 100000; size = size * 5 / 4 + 1)
    others.push_back(Tensor::full({size}, NAN, DType::float32, disturbed.stream()));
  disturbed.steps(3, 6);
  expect_same_bits(alone.parameters(), disturbed.parameters());
  for (const Tensor& other : others)
    for (float value : other.to_vector<float>())
      ASSERT_TRUE(std::isnan(value)) << "the graph wrote to " << describe(other);
}

TEST_P(CudaStepRunnerTest, MicroBatchesAreOneGraph) {
  // To be enabled by whoever has watched it run on the emulator once.
  GTEST_SKIP() << "steps of micro-batches have not run on a device yet (docs/training.md)";
  Training here(GetParam(), cpu_device, DType::float64, false),
      there(GetParam(), first_cuda_device, DType::float64, true);
  for (Training* training : {&here, &there}) {
    training->runner().accumulate(2, /*mean=*/is_far_field(GetParam()));
    for (int64_t step = 0; step < 4; ++step) {
      std::vector<Tensor> both = training->inputs(2 * step);
      for (const Tensor& input : training->inputs(2 * step + 1)) both.push_back(input);
      training->step(both);
    }
  }
  const auto expected = here.runner().results(true), actual = there.runner().results(true);
  ASSERT_EQ(actual.size(), 4u);
  for (size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i].loss, expected[i].loss, 1e-9) << i;
  EXPECT_LE(largest_difference(here.parameters(), there.parameters()), 1e-9);
  EXPECT_GT(there.runner().graph_size().kernels, 0u);
}

TEST_P(CudaStepRunnerTest, AnotherShapeIsCapturedAnew) {
  Training eager(GetParam(), first_cuda_device, DType::float32, false),
      graph(GetParam(), first_cuda_device, DType::float32, true);
  for (Training* training : {&eager, &graph})
    for (int64_t i = 0; i < 8; ++i) training->step(training->inputs(i, i < 4 ? length : length + 33));
  expect_same_bits(eager.parameters(), graph.parameters());
}

TEST_P(CudaStepRunnerTest, AValueThatIsNotFiniteSkipsTheUpdate) {
  Training training(GetParam(), first_cuda_device, DType::float32, true);
  training.steps(0, 3);
  const Tensor before = training.parameters();
  std::vector<Tensor> broken = training.inputs(3);
  for (int64_t i = 0; i < broken[0].numel(); ++i) broken[0].mutable_data<float>()[i] = NAN;
  training.step(broken);
  training.step(broken);
  const Tensor after = training.parameters();
  training.steps(4, 5);
  const auto results = training.runner().results(true);
  ASSERT_EQ(results.size(), 6u);
  EXPECT_EQ(results[3].skipped, 1);
  EXPECT_EQ(results[4].skipped, 2);
  EXPECT_EQ(results[5].skipped, 0);
  expect_same_bits(before, after);
  EXPECT_GT(largest_difference(after, training.parameters()), 0);
}

#ifdef SUNDER_CUDA_EMULATED
TEST_P(CudaStepRunnerTest, SteadyStateAllocatesNothingAndWaitsForNothing) {
  for (bool graph : {false, true}) {
    if (!graph && std::getenv("SUNDER_POOL")) continue;  // off: every tensor is an allocation
    Training training(GetParam(), first_cuda_device, DType::float32, graph);
    std::vector<emulator::Counters> after;
    for (int64_t i = 0; i < 8; ++i) {
      training.step(training.inputs(i));
      after.push_back(emulator::counters());
    }
    for (size_t i = 4; i < after.size(); ++i) {
      const emulator::Counters &now = after[i], &before = after[i - 1];
      EXPECT_EQ(now.allocations, before.allocations);
      EXPECT_EQ(now.synchronisations, before.synchronisations);
      EXPECT_EQ(now.graph_launches - before.graph_launches, graph ? 1u : 0u);
      size_t inputs = 0;
      for (const Tensor& input : training.inputs(static_cast<int64_t>(i))) inputs += input.bytes();
      EXPECT_EQ(now.bytes_to_device - before.bytes_to_device, inputs);
      EXPECT_EQ(now.bytes_to_host - before.bytes_to_host, 3 * sizeof(double)) << "loss, norm, skipped";
      EXPECT_EQ(now.kernels - before.kernels, after[4].kernels - after[3].kernels);
      EXPECT_EQ(now.library_calls - before.library_calls, after[4].library_calls - after[3].library_calls);
      EXPECT_EQ(now.copies - before.copies, after[4].copies - after[3].copies);
    }
  }
}
#endif

const auto methods = testing::Values("pit", "mixit", "mixpit", "mixcycle", "m2m", "unssor", "pit_spectra");
INSTANTIATE_TEST_SUITE_P(Methods, StepRunnerTest, methods, [](const auto& method) { return method.param; });
INSTANTIATE_TEST_SUITE_P(Methods, CudaStepRunnerTest, methods, [](const auto& method) { return method.param; });

// A library that waits for the device inside a step, say.
TEST(CudaPipelineTest, WhatCannotBeCapturedIsLaunched) {
  SUNDER_NEEDS_CUDA();
  const cuda::OwnedStream stream(first_cuda_device);
  const Tensor result = Tensor::zeros({1}, DType::float64, stream.get());
  const auto waits = [&](const std::vector<Tensor>& in) {
    result.copy_from(in[0]);
    static_cast<void>(in[0].to(cpu_device));
  };
  const auto does_not = [&](const std::vector<Tensor>& in) { result.copy_from(in[0]); };
  const auto input = [](double value) { return std::vector{Tensor::full({1}, value, DType::float64)}; };

  cuda::Pipeline pipeline(stream.get(), cuda::GraphUse::where_possible);
  for (const double value : {1, 2, 3}) pipeline.run(1, input(value), waits, result);
  EXPECT_EQ(pipeline.arrived(true), (std::vector<std::vector<double>>{{1}, {2}, {3}}));
  EXPECT_NE(pipeline.not_captured(), "");
  EXPECT_EQ(pipeline.graph_size().total(), 0u);
  for (const double value : {4, 5, 6}) pipeline.run(2, input(value), does_not, result);
  EXPECT_EQ(pipeline.arrived(true), (std::vector<std::vector<double>>{{4}, {5}, {6}}));
  EXPECT_EQ(pipeline.not_captured(), "");
  EXPECT_GT(pipeline.graph_size().total(), 0u);

  cuda::Pipeline strict(stream.get(), cuda::GraphUse::required);
  strict.run(1, input(1), waits, result);
  EXPECT_THROW(strict.run(1, input(2), waits, result), DeviceError);
}

#ifdef SUNDER_CUDA_EMULATED
// What a MixCycle step of the paper's network launches, teacher included, however large the batch; nothing is copied
// inside it.
TEST(CudaStepSize, DoesNotGrow) {
  Training training("mixcycle", first_cuda_device, DType::float32, true, StftConvTasNetConfig{});
  training.step(training.inputs(0, 8000));
  training.step(training.inputs(1, 8000));
  const cuda::GraphSize size = training.runner().graph_size();
  EXPECT_LE(size.kernels, 291u);
  EXPECT_EQ(size.copies, 0u);
  EXPECT_EQ(size.fills, 0u);
}
#endif

}  // namespace
}  // namespace sunder
