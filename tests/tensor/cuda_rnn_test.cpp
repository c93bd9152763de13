// cuDNN's LSTM: the plans' cache, and a captured graph. What it computes is compared in tests/cases.
#include "tensor/cuda/rnn.h"

#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "tensor/cuda/graph.h"
#include "tensor/memory.h"
#include "tensor/ops/lstm.h"
#include "tests/cuda_device.h"

namespace sunder::cuda {
namespace {

class CudaRnn : public testing::Test {
 protected:
  void SetUp() override {
    SUNDER_NEEDS_CUDA();
    clear_rnn_plans();
  }

  static Tensor waves(Shape shape, double step, Stream stream) {
    Tensor result = Tensor::empty(std::move(shape), DType::float64);
    for (int64_t i = 0; i < result.numel(); ++i)
      result.mutable_data<double>()[i] = std::sin(step * static_cast<double>(i + 1));
    return result.to(stream);
  }
  static LstmWeights weights(Stream stream) {
    return {waves({2, 8, 3}, 0.3, stream), waves({2, 8, 2}, 0.5, stream), waves({2, 8}, 0.7, stream),
            waves({2, 8}, 1.1, stream)};
  }
};

TEST_F(CudaRnn, PlansAreKeptButNotWithoutBound) {
  const Stream stream = first_cuda_device;
  const LstmWeights w = weights(stream);
  const auto run = [&](int64_t steps) { lstm(waves({2, steps, 3}, 0.2, stream), w); };
  for (int64_t steps = 1; steps <= 2 * static_cast<int64_t>(rnn_plan_limit); ++steps) run(steps);
  EXPECT_EQ(rnn_plan_count(), rnn_plan_limit);
  run(2 * static_cast<int64_t>(rnn_plan_limit));  // the last one
  EXPECT_EQ(rnn_plan_count(), rnn_plan_limit);
  clear_rnn_plans();
  EXPECT_EQ(rnn_plan_count(), 0u);
}

TEST_F(CudaRnn, CapturedPassesGiveTheSameBitsOnOtherInputs) {
  const OwnedStream owned(first_cuda_device);
  const Stream stream = owned.get();
  const LstmWeights w = weights(stream);
  const Tensor x = waves({3, 5, 4, 3}, 0.2, stream), dy = waves({3, 5, 4, 4}, 0.9, stream);
  std::vector<Tensor> results(3);
  const auto work = [&] {
    const LstmResult result = lstm(x, w);
    const LstmGrads grads = lstm_backward(dy, x, w, result, true);
    results = {result.y.clone(), grads.x.clone(), grads.weights.weight_hh.clone()};
  };
  {
    const Arena arena(stream);
    const Arena::Scope scope(arena);
    work();  // makes the plan and the handle
    results.assign(3, {});
    const Graph graph(stream, work);
    const std::vector<Tensor> captured = results;
    x.copy_from(waves({3, 5, 4, 3}, 1.7, stream));
    graph.launch();
    std::vector<std::vector<double>> replayed;
    for (const Tensor& tensor : captured) replayed.push_back(tensor.to_vector<double>());
    work();
    for (size_t k = 0; k < results.size(); ++k) EXPECT_EQ(results[k].to_vector<double>(), replayed[k]) << k;
    results.clear();
  }
  clear_rnn_plans();
}

}  // namespace
}  // namespace sunder::cuda
