// Every detection, proved with a planted bug.
#include <gtest/gtest.h>

#include <string>

#include "tensor/cuda/launch.h"
#include "tests/emulator/device_array.h"
#include "tests/emulator/emulator.h"

#ifdef __SANITIZE_ADDRESS__
constexpr bool address_sanitizer = true;
#else
constexpr bool address_sanitizer = false;
#endif

namespace sunder {
namespace {

using cuda::launch;
using emulator::Failure;
using emulator::Order;
using emulator::settings;

const Stream stream = Device{Device::Kind::cuda, 0};

// What the Failure of `work` says, or "" where there is none.
template <class Work>
std::string failure(const Work& work) {
  try {
    work();
  } catch (const Failure& f) {
    return f.what();
  }
  return "";
}

::testing::AssertionResult says(const std::string& message, std::initializer_list<const char*> parts) {
  for (const char* part : parts)
    if (message.find(part) == std::string::npos)
      return ::testing::AssertionFailure() << "'" << message << "' does not say '" << part << "'";
  return ::testing::AssertionSuccess();
}

class DetectionTest : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
  void TearDown() override {
    settings() = before_;
    cudaGetLastError();
  }

 private:
  emulator::Settings before_ = settings();
};

// Memory.

__global__ void write_kernel(float* x, int64_t index) {
  if (threadIdx.x == 3) x[index] = 1;
}
__global__ void read_kernel(const float* x, float* y, int64_t index) {
  if (threadIdx.x == 3) *y = x[index];
}

TEST_F(DetectionTest, NamesTheThreadOfAnAccessOutOfRange) {
  const DeviceArray<float> x(64), y(1);  // 256 bytes, so that the end meets the guard
  EXPECT_TRUE(says(failure([&] { launch(write_kernel, 2, 32, 0, stream, x.data(), 64); }),
                   {"kernel write_kernel, block (0, 0, 0), thread (3, 0, 0)", "0 bytes past the end", "256 bytes"}));
  EXPECT_TRUE(says(failure([&] { launch(read_kernel, 1, 32, 0, stream, x.data(), y.data(), 70); }), {"24 bytes past"}));
  EXPECT_TRUE(says(failure([&] { launch(read_kernel, 1, 32, 0, stream, x.data(), y.data(), -1100); }), {"before"}));
  EXPECT_TRUE(says(failure([&] { launch(write_kernel, 1, 32, 0, stream, nullptr, 0); }), {"illegal address"}));
  launch(write_kernel, 1, 32, 0, stream, x.data(), 63);  // and the emulator still works
  EXPECT_EQ(x.values()[63], 1);
}

// Between an odd size and the next multiple of 256, and before the beginning: found after the kernel by its traces, or
// by AddressSanitizer at once.
TEST_F(DetectionTest, FindsWritesCloseToAnAllocation) {
  for (const int64_t index : {10, -1}) {
    const DeviceArray<float> x(10);
    if (address_sanitizer) {
      EXPECT_DEATH(launch(write_kernel, 1, 32, 0, stream, x.data(), index), "thread \\(3, 0, 0\\)");
    } else {
      EXPECT_TRUE(says(failure([&] { launch(write_kernel, 1, 32, 0, stream, x.data(), index); }),
                       {"kernel write_kernel wrote beside an allocation of 40 bytes"}));
    }
  }
}

TEST_F(DetectionTest, FindsAccessesToAllocationsThatNoArgumentPointsTo) {
  const DeviceArray<float> x(64), other(64);
  const int64_t distance = other.data() - x.data();
  EXPECT_TRUE(says(failure([&] { launch(write_kernel, 1, 32, 0, stream, x.data(), distance); }),
                   {"byte 0 of an allocation of 256 bytes that no argument points to"}));
}

__global__ void through_table_kernel(float* const* table, int rows) { table[threadIdx.x % rows][threadIdx.x] = 2; }

TEST_F(DetectionTest, FollowsTablesOfPointersInDeviceMemory) {
  const DeviceArray<float> a(std::vector<float>(64, 1)), b(std::vector<float>(64, 1));
  const DeviceArray<float*> table(std::vector<float*>{a.data(), b.data()});
  launch(through_table_kernel, 1, 64, 0, stream, table.data(), 2);
  EXPECT_EQ(a.values()[4], 2);
  EXPECT_EQ(b.values()[4], 1);
  EXPECT_EQ(b.values()[5], 2);
}

struct Tensors {
  float scale;
  float *x, *y;
};
__global__ void struct_kernel(Tensors t) { t.y[threadIdx.x] = t.scale * t.x[threadIdx.x]; }

TEST_F(DetectionTest, FindsHostPointersInArguments) {
  const DeviceArray<float> x(std::vector<float>(32, 3)), y(32);
  std::vector<float> host(32);
  EXPECT_TRUE(says(failure([&] { launch(write_kernel, 1, 32, 0, stream, host.data(), 0); }),
                   {"kernel write_kernel, argument 1", "host memory"}));
  float on_stack[32];
  EXPECT_TRUE(says(failure([&] {
                     launch(struct_kernel, 1, 32, 0, stream, Tensors{2, on_stack, y.data()});
                   }),
                   {"kernel struct_kernel, argument 1", "host memory"}));
  launch(struct_kernel, 1, 32, 0, stream, Tensors{2, x.data(), y.data()});
  EXPECT_EQ(y.values()[31], 6);
}

TEST_F(DetectionTest, FindsUseAfterFreeAndDoubleFree) {
  float* x = nullptr;
  ASSERT_EQ(cudaMalloc(&x, 256), cudaSuccess);
  ASSERT_EQ(cudaFree(x), cudaSuccess);
  const DeviceArray<float> y(32);
  EXPECT_TRUE(says(failure([&] { launch(write_kernel, 1, 32, 0, stream, x, 0); }), {"argument 1", "use after free"}));
  EXPECT_TRUE(says(failure([&] {
                     launch(struct_kernel, 1, 32, 0, stream, Tensors{2, x, y.data()});
                   }),
                   {"use after free"}));
  EXPECT_TRUE(says(failure([&] { cudaMemset(x, 0, 4); }), {"use after free"}));
  EXPECT_TRUE(says(failure([&] { cudaFree(x); }), {"double free"}));
  EXPECT_TRUE(says(failure([&] { cudaFree(y.data() + 1); }), {"not the beginning of an allocation"}));
}

TEST_F(DetectionTest, StopsHostCodeThatTouchesDeviceMemory) {
  const DeviceArray<float> x(std::vector<float>(64, 3));
  EXPECT_DEATH(x.data()[5] = 1, "host code touches device memory");
  EXPECT_DEATH(std::printf("%f", x.data()[5]), "host code touches device memory");
  launch(write_kernel, 1, 32, 0, stream, x.data(), 0);
  EXPECT_DEATH(x.data()[5] = 1, "host code touches device memory") << "after a kernel opened it";
}

TEST_F(DetectionTest, FindsCopiesOutOfRange) {
  const DeviceArray<float> x(10);
  std::vector<float> host(20);
  EXPECT_TRUE(says(failure([&] { cudaMemcpy(x.data(), host.data(), 44, cudaMemcpyHostToDevice); }),
                   {"destination of a copy", "44 bytes at offset 0", "allocation of 40 bytes"}));
  EXPECT_TRUE(
      says(failure([&] { cudaMemcpy(host.data(), x.data() + 5, 24, cudaMemcpyDeviceToHost); }), {"source of a copy"}));
  EXPECT_EQ(cudaMemcpy(x.data(), host.data(), 40, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
}

__global__ void vector_kernel(float* x, int offset) {
  *reinterpret_cast<float4*>(x + offset) = make_float4(1, 2, 3, 4);
}

TEST_F(DetectionTest, FindsMisalignedVectorAccesses) {
  const DeviceArray<float> x(64);
  launch(vector_kernel, 1, 1, 0, stream, x.data(), 4);
  EXPECT_TRUE(says(failure([&] { launch(vector_kernel, 1, 1, 0, stream, x.data(), 2); }),
                   {"kernel vector_kernel", "misaligned vector access"}));
}

__global__ void own_array_kernel(float* x, int index) {
  float values[4] = {1, 2, 3, 4};
  values[index] = 5;
  x[0] = values[0] + values[1];
}

TEST_F(DetectionTest, FindsIndicesOutsideAThreadsOwnArray) {
  const DeviceArray<float> x(64);
  EXPECT_TRUE(
      says(failure([&] { launch(own_array_kernel, 1, 1, 0, stream, x.data(), 4); }), {"outside an array of its own"}));
}

__device__ int deep(int n, volatile int* sink) {
  volatile int frame[256];
  frame[n % 256] = n;
  *sink = frame[n % 256];
  return n == 0 ? 0 : deep(n - 1, sink) + frame[n % 256];
}
__global__ void recursive_kernel(int* x, int depth) { *x = deep(depth, x); }

TEST_F(DetectionTest, FindsAStackThatOverflows) {
  const DeviceArray<int> x(1);
  launch(recursive_kernel, 1, 1, 0, stream, x.data(), 10);
  if (!address_sanitizer) {
    EXPECT_TRUE(says(failure([&] { launch(recursive_kernel, 1, 1, 0, stream, x.data(), 1000); }), {"stack overflows"}));
  }
}

// Values that nothing wrote: two runs with two patterns differ.

__global__ void sum_kernel(const float* x, float* y, int count) {
  SUNDER_SHARED(float[4], partial);
  if (threadIdx.x < 3) partial[threadIdx.x] = x[threadIdx.x];  // the fourth one is forgotten
  __syncthreads();
  float sum = 0;
  for (int i = 0; i < count; ++i) sum += partial[i];
  *y = sum;
}

float sum_with_poison(uint8_t poison, int count) {
  settings().poison = poison;
  const DeviceArray<float> x(std::vector<float>{1, 2, 3}), y(1);
  launch(sum_kernel, 2, 4, 0, stream, x.data(), y.data(), count);
  return y.values()[0];
}

TEST_F(DetectionTest, PoisonShowsInResultsThatReadWhatNothingWrote) {
  EXPECT_EQ(sum_with_poison(0x11, 3), sum_with_poison(0x47, 3));
  EXPECT_NE(sum_with_poison(0x11, 4), sum_with_poison(0x47, 4)) << "shared memory";
  settings().poison = 0x3f;
  const DeviceArray<uint32_t> untouched(5);
  EXPECT_EQ(untouched.values()[4], 0x3f3f3f3fu) << "device memory";
}

// Barriers and warps.

__global__ void early_return_kernel(int limit) {
  if (static_cast<int>(threadIdx.x) >= limit) return;
  __syncthreads();
}
__global__ void two_barriers_kernel() {
  if (threadIdx.x < 40) __syncthreads();
  else __syncthreads();
}
__global__ void half_warp_kernel() {
  if (threadIdx.x % 32 < 16) __shfl_sync(0xffffffffu, 1, 0);
  else __syncthreads();
}
__global__ void silent_lane_kernel(int* x) {
  if (threadIdx.x >= 20) return;
  *x = __shfl_down_sync(0xffffffffu, 1, 16);
}
__global__ void wrong_mask_kernel() { __syncwarp(0xffu); }

TEST_F(DetectionTest, FindsBarriersThatNotAllThreadsReach) {
  for (const Order order : {Order::forward, Order::backward, Order::shuffled}) {
    settings().order = order;
    EXPECT_TRUE(says(failure([] { launch(early_return_kernel, 1, 64, 0, stream, 50); }),
                     {"kernel early_return_kernel", "not all threads reach it", "detection_test.cu:"}));
    EXPECT_TRUE(
        says(failure([] { launch(two_barriers_kernel, 1, 64, 0, stream); }), {"while another thread waits at"}));
    EXPECT_TRUE(says(failure([] { launch(half_warp_kernel, 1, 64, 0, stream); }),
                     {"wait for each other", "at the barrier", "for lanes 0xffffffff"}));
  }
  launch(early_return_kernel, 1, 64, 0, stream, 64);
  launch(early_return_kernel, 1, 64, 0, stream, 0);
}

TEST_F(DetectionTest, FindsWrongMasksAndLanesThatAreGone) {
  const DeviceArray<int> x(1);
  EXPECT_TRUE(says(failure([&] { launch(silent_lane_kernel, 1, 32, 0, stream, x.data()); }), {"does not take part"}));
  EXPECT_TRUE(says(failure([] { launch(wrong_mask_kernel, 1, 32, 0, stream); }), {"is not in the mask 0xff"}));
  EXPECT_TRUE(says(failure([] { __syncthreads(); }), {"outside a kernel"}));
}

// Each thread takes its neighbour's value; the barrier before that is missing.
__global__ void neighbour_kernel(int* y, bool with_barrier) {
  SUNDER_SHARED(int[64], values);
  const unsigned i = threadIdx.x;
  values[i] = static_cast<int>(i);
  if (with_barrier) __syncthreads();
  y[i] = values[(i + 1) % 64] + values[(i + 63) % 64];
}

std::vector<int> neighbours(Order order, bool with_barrier) {
  settings().order = order;
  const DeviceArray<int> y(64);
  launch(neighbour_kernel, 1, 64, 0, stream, y.data(), with_barrier);
  return y.values();
}

TEST_F(DetectionTest, RacesShowAsResultsThatDependOnTheOrder) {
  const std::vector<int> right = neighbours(Order::forward, true);
  EXPECT_EQ(neighbours(Order::backward, true), right);
  EXPECT_EQ(neighbours(Order::shuffled, true), right);
  EXPECT_NE(neighbours(Order::forward, false), neighbours(Order::backward, false));
  EXPECT_NE(neighbours(Order::forward, false), neighbours(Order::shuffled, false));
}

// Limits.

__global__ void dynamic_kernel(int index) {
  SUNDER_DYNAMIC_SHARED(float, values);
  values[index] = 1;
}
__global__ void large_static_kernel() {
  SUNDER_SHARED(float[12289], values);
  values[threadIdx.x] = 1;
}

TEST_F(DetectionTest, RejectsLaunchesOverTheLimitsOfADevice) {
  const auto error = [](dim3 grid, dim3 block, size_t shared) {
    const cudaError_t result = emulator::launch(dynamic_kernel, grid, block, shared, nullptr, 0);
    EXPECT_EQ(cudaGetLastError(), result);
    return result;
  };
  EXPECT_EQ(error(1, 1024, 64), cudaSuccess);
  EXPECT_EQ(error(1, 1025, 64), cudaErrorInvalidConfiguration);
  EXPECT_EQ(error(1, dim3(32, 33), 64), cudaErrorInvalidConfiguration);
  EXPECT_EQ(error(1, dim3(1, 1, 65), 64), cudaErrorInvalidConfiguration);
  EXPECT_EQ(error(0, 32, 64), cudaErrorInvalidConfiguration);
  EXPECT_EQ(error(dim3(1, 65535), 1, 64), cudaSuccess);
  EXPECT_EQ(error(dim3(1, 65536), 1, 64), cudaErrorInvalidConfiguration);
  EXPECT_EQ(error(dim3(1, 1, 65536), 1, 64), cudaErrorInvalidConfiguration);
  EXPECT_EQ(error(1, 1, 48 << 10), cudaSuccess);
  EXPECT_EQ(error(1, 1, (48 << 10) + 1), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFuncSetAttribute(dynamic_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, 227 << 10), cudaSuccess);
  EXPECT_EQ(error(1, 1, 227 << 10), cudaSuccess);
  EXPECT_EQ(cudaFuncSetAttribute(dynamic_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, (227 << 10) + 1),
            cudaErrorInvalidValue);
  EXPECT_TRUE(says(failure([] { launch(large_static_kernel, 1, 32, 0, stream); }), {"static shared memory"}));
}

__global__ void static_overrun_kernel(int index) {
  SUNDER_SHARED(float[8], values);
  float* pointer = values;
  pointer[index] = 1;
}

TEST_F(DetectionTest, FindsAccessesOutsideSharedMemory) {
  EXPECT_TRUE(says(failure([] { launch(dynamic_kernel, 1, 1, 64, stream, 16); }),
                   {"past the end of the dynamic shared memory"}));
  if (!address_sanitizer) return;
  EXPECT_DEATH(launch(static_overrun_kernel, 1, 1, 0, stream, 8), "kernel static_overrun_kernel");
  EXPECT_DEATH(launch(static_overrun_kernel, 1, 1, 0, stream, -1), "kernel static_overrun_kernel");
}

TEST_F(DetectionTest, ATrapNamesItsPlace) {
  EXPECT_TRUE(says(failure([] {
                     launch(
                         +[] { __trap(); }, 1, 1, 0, stream);
                   }),
                   {"__trap() at", "detection_test.cu"}));
}

}  // namespace
}  // namespace sunder
