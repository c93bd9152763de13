// Capture into graphs and their replay.
#include <gtest/gtest.h>

#include <memory>

#include "tensor/error.h"
#include "tests/emulator/device_array.h"
#include "tests/emulator/emulator.h"
#include "tests/emulator/sample.h"

namespace sunder {
namespace {

using emulator::counters;
using emulator::settings;

class GraphTest : public testing::TestWithParam<bool> {  // whether work is delayed
 protected:
  void SetUp() override {
    settings().delay = GetParam();
    for (cudaStream_t* stream : {&a, &b}) SUNDER_CUDA_CHECK(cudaStreamCreateWithFlags(stream, cudaStreamNonBlocking));
    for (cudaEvent_t* event : {&fork, &join})
      SUNDER_CUDA_CHECK(cudaEventCreateWithFlags(event, cudaEventDisableTiming));
  }
  void TearDown() override {
    for (cudaStream_t stream : {a, b}) SUNDER_CUDA_CHECK(cudaStreamDestroy(stream));
    for (cudaEvent_t event : {fork, join}) SUNDER_CUDA_CHECK(cudaEventDestroy(event));
    if (graph) SUNDER_CUDA_CHECK(cudaGraphDestroy(graph));
    if (executable) SUNDER_CUDA_CHECK(cudaGraphExecDestroy(executable));
    settings().delay = false;
    EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  }

  void begin() { SUNDER_CUDA_CHECK(cudaStreamBeginCapture(a, cudaStreamCaptureModeGlobal)); }
  void add(const DeviceArray<float>& from, const DeviceArray<float>& to, cudaStream_t stream) {
    sample::add(from.data(), to.data(), to.data(), 8, {Device{Device::Kind::cuda, 0}, stream});
  }
  cudaError_t end() { return cudaStreamEndCapture(a, &graph); }

  cudaStream_t a = nullptr, b = nullptr;
  cudaEvent_t fork = nullptr, join = nullptr;
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  DeviceArray<float> x{std::vector<float>(8, 1)}, y{std::vector<float>(8, 0)}, z{std::vector<float>(8, 0)};
};

INSTANTIATE_TEST_SUITE_P(Streams, GraphTest, testing::Bool());

// y += x; z = y, in a graph over two streams: y = 3 and z = 3 after three launches.
TEST_P(GraphTest, RecordsForkAndJoinAndReplays) {
  const uint64_t kernels = counters().kernels, launches = counters().launches;
  begin();
  add(x, y, a);
  SUNDER_CUDA_CHECK(cudaEventRecord(fork, a));
  SUNDER_CUDA_CHECK(cudaStreamWaitEvent(b, fork));
  SUNDER_CUDA_CHECK(cudaMemcpyAsync(z.data(), y.data(), 32, cudaMemcpyDeviceToDevice, b));
  SUNDER_CUDA_CHECK(cudaEventRecord(join, b));
  SUNDER_CUDA_CHECK(cudaStreamWaitEvent(a, join));
  cudaStreamCaptureStatus status;
  SUNDER_CUDA_CHECK(cudaStreamIsCapturing(b, &status));
  EXPECT_EQ(status, cudaStreamCaptureStatusActive);
  SUNDER_CUDA_CHECK(end());
  SUNDER_CUDA_CHECK(cudaStreamIsCapturing(b, &status));
  EXPECT_EQ(status, cudaStreamCaptureStatusNone);
  EXPECT_EQ(counters().kernels, kernels) << "recorded, not run";

  size_t count = 0;
  SUNDER_CUDA_CHECK(cudaGraphGetNodes(graph, nullptr, &count));
  ASSERT_EQ(count, 2u);
  cudaGraphNode_t nodes[2];
  cudaGraphNodeType type;
  SUNDER_CUDA_CHECK(cudaGraphGetNodes(graph, nodes, &count));
  SUNDER_CUDA_CHECK(cudaGraphNodeGetType(nodes[1], &type));
  EXPECT_EQ(type, cudaGraphNodeTypeMemcpy);

  SUNDER_CUDA_CHECK(cudaGraphInstantiate(&executable, graph));
  for (int i = 0; i < 3; ++i) SUNDER_CUDA_CHECK(cudaGraphLaunch(executable, a));
  SUNDER_CUDA_CHECK(cudaStreamSynchronize(a));
  EXPECT_EQ(y.values()[5], 3);
  EXPECT_EQ(z.values()[5], 3);
  EXPECT_EQ(counters().kernels, kernels + 3);
  EXPECT_EQ(counters().launches, launches) << "launches of graphs are counted apart";
}

TEST_P(GraphTest, AReplayFindsMemoryThatIsGone) {
  auto gone = std::make_unique<DeviceArray<float>>(std::vector<float>(8, 1));
  begin();
  add(*gone, y, a);
  SUNDER_CUDA_CHECK(end());
  SUNDER_CUDA_CHECK(cudaGraphInstantiate(&executable, graph));
  gone.reset();
  const auto replay = [&] {
    SUNDER_CUDA_CHECK(cudaGraphLaunch(executable, a));
    SUNDER_CUDA_CHECK(cudaStreamSynchronize(a));
  };
  EXPECT_THROW(replay(), emulator::Failure);
}

TEST_P(GraphTest, ForbidsWhatADeviceForbids) {
  void* memory = nullptr;
  begin();
  EXPECT_EQ(cudaMalloc(&memory, 16), cudaErrorStreamCaptureUnsupported);
  add(x, x, b);  // another stream goes on
  EXPECT_EQ(end(), cudaErrorStreamCaptureInvalidated);
  EXPECT_EQ(graph, nullptr);

  begin();
  EXPECT_EQ(cudaStreamSynchronize(a), cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(end(), cudaErrorStreamCaptureInvalidated);

  begin();
  EXPECT_EQ(cudaMemcpy(y.data(), x.data(), 8, cudaMemcpyDeviceToDevice), cudaErrorStreamCaptureUnsupported);
  EXPECT_EQ(end(), cudaErrorStreamCaptureInvalidated);

  begin();
  EXPECT_EQ(cudaMemsetAsync(y.data(), 0, 8, nullptr), cudaErrorStreamCaptureImplicit) << "the default stream";
  EXPECT_EQ(end(), cudaErrorStreamCaptureInvalidated);

  SUNDER_CUDA_CHECK(cudaEventRecord(fork, b));
  begin();
  EXPECT_EQ(cudaStreamWaitEvent(a, fork), cudaErrorStreamCaptureIsolation);
  EXPECT_EQ(end(), cudaErrorStreamCaptureInvalidated);

  EXPECT_EQ(end(), cudaErrorInvalidValue) << "no capture";
  cudaGetLastError();
}

TEST_P(GraphTest, EveryForkMustJoin) {
  begin();
  SUNDER_CUDA_CHECK(cudaEventRecord(fork, a));
  SUNDER_CUDA_CHECK(cudaStreamWaitEvent(b, fork));
  EXPECT_EQ(cudaEventQuery(fork), cudaErrorCapturedEvent);
  SUNDER_CUDA_CHECK(cudaEventRecord(join, b));
  SUNDER_CUDA_CHECK(cudaStreamWaitEvent(a, join));
  add(x, y, b);  // after the join
  EXPECT_EQ(cudaStreamEndCapture(b, &graph), cudaErrorStreamCaptureUnmatched);
  EXPECT_EQ(end(), cudaErrorStreamCaptureUnjoined);
  cudaGetLastError();
}

}  // namespace
}  // namespace sunder
