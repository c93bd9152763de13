// Memory of a CUDA device that is the caller's, and work that is captured and replayed.
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include "tensor/cuda/check.h"
#include "tensor/cuda/device_scope.h"
#include "tensor/cuda/replay.h"
#include "tensor/cuda/runtime.h"
#include "tensor/error.h"
#include "tensor/ops/binary.h"
#include "tests/cuda_device.h"
#include "tests/emulator/device_array.h"

namespace sunder {
namespace {

TEST(CudaMemory, BorrowedMemoryIsTheCallers) {
  SUNDER_NEEDS_CUDA();
  const cuda::OwnedStream stream(first_cuda_device);
  const DeviceArray<float> values(std::vector<float>{1, 2, 3, 4, 5});
  const size_t before = memory_stats(first_cuda_device).bytes_in_use;
  {
    const Tensor x = Tensor::borrow(values.data(), {5}, DType::float32, stream.get());
    EXPECT_EQ(memory_stats(first_cuda_device).bytes_in_use, before);
    const Tensor part = x.slice(1, 4);
    part.copy_from(add(part, part));
    EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{1, 4, 6, 8, 5}));
  }
  EXPECT_EQ(values.values(), (std::vector<float>{1, 4, 6, 8, 5}));
}

TEST(CudaMemory, KnowsWhoseItIs) {
  SUNDER_NEEDS_CUDA();
  const DeviceArray<float> there(8);
  EXPECT_EQ(cuda::device_of_memory(there.data(), first_cuda_device), first_cuda_device);
  EXPECT_EQ(cuda::device_of_memory(there.data() + 3, first_cuda_device), first_cuda_device);
  const float here = 0;
  EXPECT_EQ(cuda::device_of_memory(&here, first_cuda_device), cpu_device);
  void* pinned = nullptr;
  SUNDER_CUDA_CHECK(cudaMallocHost(&pinned, 16));
  EXPECT_EQ(cuda::device_of_memory(pinned, first_cuda_device), cpu_device);
  SUNDER_CUDA_CHECK(cudaFreeHost(pinned));
  const cuda::OwnedStream stream(first_cuda_device);
  EXPECT_EQ(cuda::device_of_stream(stream.get().handle, first_cuda_device), first_cuda_device);
}

TEST(CudaReplay, CapturesTheSecondRun) {
  SUNDER_NEEDS_CUDA();
  const cuda::OwnedStream owned(first_cuda_device);
  const Stream stream = owned.get();
  const Arena arena(stream);
  const Tensor input = Tensor::empty({3}, DType::float32, stream), output = Tensor::empty({3}, DType::float32, stream);
  cuda::Replay replay(stream, cuda::GraphUse::required, arena);
  int calls = 0;
  for (int run = 0; run < 5; ++run) {
    input.copy_from(Tensor::full({3}, run, DType::float32));
    replay.run([&] {
      ++calls;
      EXPECT_EQ(cuda::is_capturing(stream), run == 1);
      output.copy_from(multiply(add(input, input), input));
    });
    EXPECT_EQ(output.to_vector<float>()[2], 2 * run * run);
  }
  EXPECT_EQ(calls, 2);
  EXPECT_GT(replay.graph_size().kernels, 0u);
  EXPECT_GT(arena.bytes(), 0u);
  EXPECT_FALSE(cuda::is_capturing(stream));
}

}  // namespace
}  // namespace sunder
