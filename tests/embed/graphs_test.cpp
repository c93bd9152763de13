// Forward passes that are captured and replayed.
#include "embed/graphs.h"

#include <gtest/gtest.h>

#include "tensor/error.h"
#include "tensor/memory_forecast.h"
#include "tensor/ops/binary.h"
#include "tests/cuda_device.h"
#include "tests/embed/client.h"
#ifdef SUNDER_CUDA_EMULATED
#include "tests/emulator/emulator.h"
#endif

namespace sunder {
namespace {

using embed::Graphs;

constexpr int64_t kib = 1 << 10;

// x + x^2, with two results of the size of x in between.
class PassGraphs : public testing::Test {
 protected:
  void SetUp() override {
    SUNDER_NEEDS_CUDA();
    stream_.emplace(first_cuda_device);
  }
  Tensor network(const Tensor& x) {
    ++passes_;
    const Tensor square = multiply(x, x);
    return add(x, square);
  }
  // A pass on a signal of `kibibytes`; whether the result is right.
  bool is_right(Graphs& graphs, const Arena& arena, int64_t kibibytes, float value) {
    const Arena::Scope scope(arena);
    const Tensor x = Tensor::full({kibibytes * kib / 4}, value, DType::float32, stream_->get());
    const auto found = graphs.forward(x, [&](const Tensor& input) { return network(input); }).to_vector<float>();
    return found == std::vector<float>(x.numel(), value + value * value);
  }

  std::optional<cuda::OwnedStream> stream_;
  int passes_ = 0;
};

TEST_F(PassGraphs, AShapeThatComesAgainIsCaptured) {
  const Arena arena(stream_->get());
  Graphs graphs(arena, stream_->get());
  for (int call = 0; call < 6; ++call) {
    EXPECT_TRUE(is_right(graphs, arena, 64, static_cast<float>(call)));
    EXPECT_TRUE(is_right(graphs, arena, 96, static_cast<float>(call)));
    EXPECT_EQ(graphs.captured(), call < 2 ? 0u : 2u);
  }
  EXPECT_EQ(passes_, 6);
  EXPECT_TRUE(is_right(graphs, arena, 32, 1));
  EXPECT_EQ(passes_, 7);
  EXPECT_EQ(graphs.captured(), 2u);
}

TEST_F(PassGraphs, AreForgottenWithTheirMemory) {
  const Arena arena(stream_->get());
  Graphs graphs(arena, stream_->get());
  size_t most = 0;
  for (int64_t size = 8; size <= 24; ++size)
    for (int call = 0; call < 3; ++call) {
      EXPECT_TRUE(is_right(graphs, arena, size, static_cast<float>(call)));
      EXPECT_LE(graphs.captured(), Graphs::most);
      most = std::max(most, arena.bytes());
    }
  EXPECT_EQ(graphs.captured(), Graphs::most);
  EXPECT_LT(most, (Graphs::most + 3) * 4 * 24 * kib);
  // So many that none is there when it comes again.
  passes_ = 0;
  for (int round = 0; round < 3; ++round)
    for (int64_t size = 32; size < 32 + static_cast<int64_t>(Graphs::most) + 1; ++size)
      EXPECT_TRUE(is_right(graphs, arena, size, 2));
  EXPECT_EQ(passes_, 3 * (static_cast<int>(Graphs::most) + 1));
  EXPECT_EQ(graphs.captured(), 0u);
}

TEST_F(PassGraphs, KeepTheLimitAndGiveWay) {
  // A pass takes 3 of its signal, with a graph 4: the signal, its copy and two more.
  const Arena arena(stream_->get(), 640 * kib);
  Graphs graphs(arena, stream_->get());
  for (int call = 0; call < 4; ++call) EXPECT_TRUE(is_right(graphs, arena, 64, 3));
  EXPECT_EQ(graphs.captured(), 1u);
  for (int call = 0; call < 4; ++call) EXPECT_TRUE(is_right(graphs, arena, 192, 3));  // 576: the graph is in the way
  EXPECT_EQ(graphs.captured(), 0u);
  passes_ = 0;
  EXPECT_TRUE(is_right(graphs, arena, 64, 5));  // what gave way stays away
  EXPECT_TRUE(is_right(graphs, arena, 192, 5));
  EXPECT_EQ(passes_, 2);
  EXPECT_THROW(is_right(graphs, arena, 256, 1), OutOfMemory);
  EXPECT_TRUE(is_right(graphs, arena, 64, 6));
}

TEST_F(PassGraphs, WhatCannotBeCapturedIsLaunched) {
  const Arena arena(stream_->get());
  Graphs graphs(arena, stream_->get());
  const Tensor x = Tensor::full({8}, 2, DType::float32, stream_->get());
  for (int call = 0; call < 5; ++call) {
    const Tensor found = graphs.forward(x, [&](const Tensor& input) {
      static_cast<void>(input.to(cpu_device));  // waits
      return network(input);
    });
    EXPECT_EQ(found.to_vector<float>(), std::vector<float>(8, 6));
  }
  EXPECT_EQ(graphs.captured(), 0u);
}

class ApiGraphs : public Api {
 protected:
  void SetUp() override {
    Api::SetUp();
    SUNDER_NEEDS_CUDA();
  }
};

// The chunks of a recording, recordings of one length, streams.
TEST_F(ApiGraphs, GiveTheSameBits) {
  for (const std::string& path : {path_, write_tf_gridnet(folder_)}) {
    const Model model = load_on_cuda(path);
    const int microphones = sunder_model_microphones(model.get());
    sunder_session_params params = shortest_chunks();
    const Session graphs = open_session(model, params);
    params.no_graphs = 1;
    const Session launches = open_session(model, params);
    const Signals mixture = voices(microphones, 2400);
    const std::vector<float> expected = separate(launches, mixture);
    EXPECT_EQ(separate(graphs, mixture), expected);
#ifdef SUNDER_CUDA_EMULATED
    const emulator::Counters before = emulator::counters();
#endif
    EXPECT_EQ(separate(graphs, mixture), expected);
    for (const int64_t frames : {400, 400, 400, 600, 400, 600, 600, 600}) {
      const Signals other = voices(microphones, frames);
      EXPECT_EQ(separate(graphs, other), separate(launches, other)) << frames;
    }
#ifdef SUNDER_CUDA_EMULATED
    EXPECT_EQ(emulator::counters().graph_launches - before.graph_launches, 4u + 2 + 2) << path;
#endif
    sunder_audio like = audio_of(nullptr, 0, microphones);
    ASSERT_EQ(sunder_stream_begin(graphs.get(), &like), SUNDER_OK);
    ASSERT_EQ(sunder_push(graphs.get(), planar(mixture).data(), 2400), SUNDER_OK);
    ASSERT_EQ(sunder_finish(graphs.get()), SUNDER_OK);
    std::vector<float> pulled(4800);
    int64_t count = 0;
    ASSERT_EQ(sunder_pull(graphs.get(), pulled.data(), 2400, &count), SUNDER_OK);
    EXPECT_EQ(count, 2400);
    EXPECT_EQ(pulled, expected);
  }
}

// What is foreseen is enough for a recording of many chunks; with less graphs go first.
TEST_F(ApiGraphs, KeepTheMemoryLimit) {
  const Model model = load_on_cuda(write_tf_gridnet(folder_));
  sunder_session_params params = shortest_chunks();
  const Signals mixture = voices(3, 3200);
  const Session free_session = open_session(model, params);
  const std::vector<float> expected = separate(free_session, mixture);
  uint64_t bytes = 0;
  ASSERT_EQ(sunder_session_memory(free_session.get(), 3200, 8000, &bytes), SUNDER_OK);
  params.memory_limit = static_cast<uint64_t>(static_cast<double>(bytes) * (1 + memory_forecast_error));
  const Session limited = open_session(model, params);
#ifdef SUNDER_CUDA_EMULATED
  const uint64_t before = emulator::counters().graph_launches;
#endif
  EXPECT_EQ(separate(limited, mixture), expected);
#ifdef SUNDER_CUDA_EMULATED
  EXPECT_GT(emulator::counters().graph_launches, before);
#endif
  for (const int64_t frames : {200, 200, 200, 800, 600, 600, 600, 800, 3200}) {
    const Signals other = voices(3, frames);
    EXPECT_EQ(separate(limited, other), separate(free_session, other)) << frames;
  }
}

#ifdef SUNDER_CUDA_EMULATED
// Neither memory nor plans grow with the lengths that a session has seen.
TEST_F(ApiGraphs, AreBoundedForManyLengths) {
  const Session session = open_session(load_on_cuda(path_), shortest_chunks());
  std::vector<uint64_t> used;
  for (int64_t frames = 300; frames < 700; frames += 17) {
    for (int call = 0; call < 3; ++call) separate(session, voices(1, frames));
    used.push_back(emulator::counters().bytes_in_use);
  }
  const uint64_t one = used[1] - used[0];  // length; the last ones take twice as much, and four are kept of 24
  EXPECT_GT(one, 0u);
  EXPECT_LT(used.back(), used[0] + 14 * one);
}
#endif

}  // namespace
}  // namespace sunder
