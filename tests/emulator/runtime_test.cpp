// Streams, events, memory and errors of the emulated runtime.
#include <gtest/gtest.h>

#include <cstring>

#include "tensor/error.h"
#include "tests/emulator/device_array.h"
#include "tests/emulator/emulator.h"
#include "tests/emulator/sample.h"

namespace sunder {
namespace {

using emulator::counters;
using emulator::Failure;
using emulator::settings;

class RuntimeTest : public testing::Test {
 protected:
  void TearDown() override { settings() = before_; }

 private:
  emulator::Settings before_ = settings();
};

struct PinnedArray {
  explicit PinnedArray(size_t count) { SUNDER_CUDA_CHECK(cudaMallocHost(&data, count * sizeof(float))); }
  ~PinnedArray() { static_cast<void>(cudaFreeHost(data)); }
  float* data = nullptr;
};

Stream on(cudaStream_t stream) { return {Device{Device::Kind::cuda, 0}, stream}; }

class StreamTest : public RuntimeTest {
 protected:
  void SetUp() override {
    SUNDER_CUDA_CHECK(cudaStreamCreateWithFlags(&a, cudaStreamNonBlocking));
    SUNDER_CUDA_CHECK(cudaStreamCreateWithFlags(&b, cudaStreamNonBlocking));
    SUNDER_CUDA_CHECK(cudaEventCreate(&event));
  }
  void TearDown() override {
    SUNDER_CUDA_CHECK(cudaStreamDestroy(a));
    SUNDER_CUDA_CHECK(cudaStreamDestroy(b));
    SUNDER_CUDA_CHECK(cudaEventDestroy(event));
    RuntimeTest::TearDown();
  }
  cudaStream_t a = nullptr, b = nullptr;
  cudaEvent_t event = nullptr;
};

TEST_F(StreamTest, DelayedWorkRunsWhenSomethingWaitsForIt) {
  const DeviceArray<float> x(std::vector<float>(100, 1)), y(std::vector<float>(100, 0));
  const PinnedArray result(100);
  result.data[0] = -1;
  settings().delay = true;
  sample::add(x.data(), x.data(), y.data(), 100, on(a));
  SUNDER_CUDA_CHECK(cudaMemcpyAsync(result.data, y.data(), 400, cudaMemcpyDeviceToHost, a));
  EXPECT_EQ(result.data[0], -1) << "read before the stream was waited for";
  SUNDER_CUDA_CHECK(cudaStreamSynchronize(a));
  EXPECT_EQ(result.data[0], 2);
}

// b reads what a writes: right with the event, stale without it.
TEST_F(StreamTest, DelayShowsAMissingWaitBetweenStreams) {
  for (const bool with_wait : {true, false}) {
    settings().delay = false;
    const DeviceArray<float> x(std::vector<float>(8, 1)), y(std::vector<float>(8, 0)), z(std::vector<float>(8, 0));
    const PinnedArray result(8);
    settings().delay = true;
    sample::add(x.data(), x.data(), y.data(), 8, on(a));
    SUNDER_CUDA_CHECK(cudaEventRecord(event, a));
    if (with_wait) SUNDER_CUDA_CHECK(cudaStreamWaitEvent(b, event));
    sample::add(y.data(), y.data(), z.data(), 8, on(b));
    SUNDER_CUDA_CHECK(cudaMemcpyAsync(result.data, z.data(), 32, cudaMemcpyDeviceToHost, b));
    SUNDER_CUDA_CHECK(cudaStreamSynchronize(b));
    EXPECT_EQ(result.data[3], with_wait ? 4 : 0);
  }
}

TEST_F(StreamTest, DefaultStreamWaitsForBlockingStreamsAlone) {
  cudaStream_t blocking = nullptr;
  SUNDER_CUDA_CHECK(cudaStreamCreate(&blocking));
  const DeviceArray<float> x(std::vector<float>(8, 1)), y(std::vector<float>(8, 0)), z(std::vector<float>(8, 0));
  settings().delay = true;
  sample::add(x.data(), x.data(), y.data(), 8, on(blocking));
  sample::add(x.data(), x.data(), z.data(), 8, on(a));
  EXPECT_EQ(y.values()[0], 2);
  EXPECT_EQ(z.values()[0], 0);
  SUNDER_CUDA_CHECK(cudaStreamDestroy(blocking));
}

TEST_F(StreamTest, PollingComesToAnEnd) {
  const DeviceArray<float> x(std::vector<float>(8, 1)), y(8);
  settings().delay = true;
  for (int i = 0; i < 3; ++i) sample::add(x.data(), x.data(), y.data(), 8, on(a));
  SUNDER_CUDA_CHECK(cudaEventRecord(event, a));
  int polls = 0;
  while (cudaEventQuery(event) == cudaErrorNotReady) ++polls;
  EXPECT_EQ(polls, 4);
  EXPECT_EQ(cudaStreamQuery(a), cudaSuccess);
  EXPECT_EQ(cudaPeekAtLastError(), cudaSuccess) << "not ready is no error";
}

TEST_F(StreamTest, EventsTakeTime) {
  cudaEvent_t later = nullptr, untimed = nullptr;
  SUNDER_CUDA_CHECK(cudaEventCreate(&later));
  SUNDER_CUDA_CHECK(cudaEventCreateWithFlags(&untimed, cudaEventDisableTiming));
  const DeviceArray<float> x(1 << 20);
  float milliseconds = -1;
  settings().delay = true;
  SUNDER_CUDA_CHECK(cudaEventRecord(event, a));
  sample::add(x.data(), x.data(), x.data(), 1 << 20, on(a));
  SUNDER_CUDA_CHECK(cudaEventRecord(later, a));
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, event, later), cudaErrorNotReady);
  SUNDER_CUDA_CHECK(cudaEventSynchronize(later));
  SUNDER_CUDA_CHECK(cudaEventElapsedTime(&milliseconds, event, later));
  EXPECT_GT(milliseconds, 0);
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, event, untimed), cudaErrorInvalidResourceHandle);
  cudaGetLastError();
  SUNDER_CUDA_CHECK(cudaEventDestroy(later));
  SUNDER_CUDA_CHECK(cudaEventDestroy(untimed));
}

TEST_F(StreamTest, CopiesOfPageableMemoryDoNotReadItLater) {
  const DeviceArray<float> x(4);
  settings().delay = true;
  std::vector<float> host{1, 2, 3, 4};
  SUNDER_CUDA_CHECK(cudaMemcpyAsync(x.data(), host.data(), 16, cudaMemcpyHostToDevice, a));
  host.assign(4, 0);
  const uint64_t before = counters().synchronisations;
  SUNDER_CUDA_CHECK(cudaMemcpyAsync(host.data(), x.data(), 16, cudaMemcpyDeviceToHost, a));
  EXPECT_EQ(host[3], 4);
  EXPECT_EQ(counters().synchronisations, before + 1) << "the host had to wait";
}

TEST_F(RuntimeTest, FindsHandlesThatAreGone) {
  cudaStream_t stream = nullptr;
  SUNDER_CUDA_CHECK(cudaStreamCreate(&stream));
  SUNDER_CUDA_CHECK(cudaStreamDestroy(stream));
  EXPECT_THROW(static_cast<void>(cudaStreamDestroy(stream)), Failure);
  EXPECT_THROW(static_cast<void>(cudaStreamSynchronize(stream)), Failure);
  cudaEvent_t event = nullptr;
  SUNDER_CUDA_CHECK(cudaEventCreate(&event));
  SUNDER_CUDA_CHECK(cudaEventDestroy(event));
  EXPECT_THROW(static_cast<void>(cudaEventRecord(event)), Failure);
}

TEST_F(RuntimeTest, ListsLeaks) {
  const size_t before = emulator::leaks().size();
  cudaEvent_t event = nullptr;
  void* memory = nullptr;
  SUNDER_CUDA_CHECK(cudaEventCreate(&event));
  SUNDER_CUDA_CHECK(cudaMalloc(&memory, 12345));
  const std::vector<std::string> leaks = emulator::leaks();
  EXPECT_EQ(leaks.size(), before + 2);
  EXPECT_NE(std::find(leaks.begin(), leaks.end(), "12345 bytes on device 0"), leaks.end());
  EXPECT_NE(std::find(leaks.begin(), leaks.end(), "a event"), leaks.end());
  SUNDER_CUDA_CHECK(cudaFree(memory));
  SUNDER_CUDA_CHECK(cudaEventDestroy(event));
  EXPECT_EQ(emulator::leaks().size(), before);
}

TEST_F(RuntimeTest, MemoryRunsOut) {
  settings().memory_mib = 4;
  size_t free = 0, total = 0;
  SUNDER_CUDA_CHECK(cudaMemGetInfo(&free, &total));
  EXPECT_EQ(total, 4u << 20);
  void* memory = nullptr;
  try {
    cuda::check(cudaMalloc(&memory, free + 1), "cudaMalloc", __FILE__, __LINE__, free + 1);
    FAIL();
  } catch (const OutOfMemory& error) {
    EXPECT_EQ(error.bytes(), free + 1);
    EXPECT_NE(std::string(error.what()).find("cudaErrorMemoryAllocation (out of memory)"), std::string::npos);
  }
  EXPECT_EQ(cudaGetLastError(), cudaSuccess) << "the check clears the error";
  SUNDER_CUDA_CHECK(cudaMalloc(&memory, free));
  SUNDER_CUDA_CHECK(cudaFree(memory));
}

TEST_F(RuntimeTest, MachinesWithoutDriverOrDevice) {
  int count = -1;
  settings().driver = 0;
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaErrorInsufficientDriver);
  settings().driver = 12080;
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaErrorInsufficientDriver);
  settings().driver = 13000;
  settings().devices = 0;
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaErrorNoDevice);
  EXPECT_EQ(count, 0);
  void* memory = nullptr;
  EXPECT_EQ(cudaMalloc(&memory, 1), cudaErrorNoDevice);
  EXPECT_THROW(SUNDER_CUDA_CHECK(cudaSetDevice(0)), DeviceError);
}

TEST_F(RuntimeTest, DevicesHaveTheirOwnMemoryAndStreams) {
  settings().devices = 2;
  int count = 0;
  SUNDER_CUDA_CHECK(cudaGetDeviceCount(&count));
  EXPECT_EQ(count, 2);
  EXPECT_EQ(cudaSetDevice(2), cudaErrorInvalidDevice);
  cudaStream_t first = nullptr;
  SUNDER_CUDA_CHECK(cudaStreamCreate(&first));
  const DeviceArray<float> x(std::vector<float>(8, 1)), y(8);
  SUNDER_CUDA_CHECK(cudaSetDevice(1));
  const DeviceArray<float> z(8);
  cudaPointerAttributes attributes;
  SUNDER_CUDA_CHECK(cudaPointerGetAttributes(&attributes, z.data()));
  EXPECT_EQ(attributes.type, cudaMemoryTypeDevice);
  EXPECT_EQ(attributes.device, 1);
  EXPECT_THROW(sample::add(x.data(), x.data(), z.data(), 8, on(nullptr)), Failure) << "memory of device 0";
  EXPECT_THROW(sample::add(x.data(), x.data(), y.data(), 8, {Device{Device::Kind::cuda, 1}, first}), DeviceError)
      << "stream of device 0";
  SUNDER_CUDA_CHECK(cudaMemcpy(z.data(), x.data(), 32, cudaMemcpyDefault));
  EXPECT_EQ(z.values()[7], 1);
  SUNDER_CUDA_CHECK(cudaSetDevice(0));
  SUNDER_CUDA_CHECK(cudaStreamDestroy(first));
}

TEST_F(RuntimeTest, CountsWhatMoves) {
  const emulator::Counters before = counters();
  {
    const DeviceArray<float> x(std::vector<float>(100, 1)), y(100);
    sample::add(x.data(), x.data(), y.data(), 100, on(nullptr));
    SUNDER_CUDA_CHECK(cudaMemsetAsync(x.data(), 0, 400));
    SUNDER_CUDA_CHECK(cudaMemcpyAsync(x.data(), y.data(), 400, cudaMemcpyDeviceToDevice));
    EXPECT_EQ(x.values()[99], 2);
  }
  const emulator::Counters& now = counters();
  EXPECT_EQ(now.launches - before.launches, 1u);
  EXPECT_EQ(now.kernels - before.kernels, 1u);
  EXPECT_EQ(now.copies - before.copies, 3u);
  EXPECT_EQ(now.memsets - before.memsets, 1u);
  EXPECT_EQ(now.bytes_to_device - before.bytes_to_device, 400u);
  EXPECT_EQ(now.bytes_on_device - before.bytes_on_device, 400u);
  EXPECT_EQ(now.bytes_to_host - before.bytes_to_host, 400u);
  EXPECT_EQ(now.allocations - before.allocations, 2u);
  EXPECT_EQ(now.frees - before.frees, 2u);
  EXPECT_EQ(now.synchronisations - before.synchronisations, 4u) << "two cudaMemcpy, two cudaFree";
  EXPECT_EQ(now.bytes_in_use, before.bytes_in_use);
}

TEST_F(RuntimeTest, ALaunchFailsAsTheSettingsAsk) {
  const DeviceArray<float> x(8);
  settings().fail_launch = 1;
  settings().fail_error = cudaErrorNoKernelImageForDevice;
  sample::add(x.data(), x.data(), x.data(), 8, on(nullptr));
  try {
    sample::add(x.data(), x.data(), x.data(), 8, on(nullptr));
    FAIL();
  } catch (const DeviceError& error) {
    EXPECT_NE(std::string(error.what()).find("launch of add_kernel"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("no kernel image"), std::string::npos) << error.what();
  }
  sample::add(x.data(), x.data(), x.data(), 8, on(nullptr));
}

// In a process of its own, as nothing works after it.
TEST_F(RuntimeTest, AStickyErrorStays) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        const DeviceArray<float> x(8);
        settings().fail_launch = 0;
        EXPECT_THROW(sample::add(x.data(), x.data(), x.data(), 8, on(nullptr)), DeviceError);
        EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
        EXPECT_EQ(cudaGetLastError(), cudaErrorIllegalAddress);
        EXPECT_EQ(cudaGetLastError(), cudaErrorIllegalAddress);
        std::_Exit(testing::Test::HasFailure() ? 1 : 0);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace sunder
