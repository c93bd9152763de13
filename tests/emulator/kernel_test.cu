// The elements of kernels: indices, barriers, warp operations, atomics, vector types, bfloat16; in every order.
#include <cuda_bf16.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "tensor/cuda/launch.h"
#include "tests/emulator/device_array.h"
#include "tests/emulator/emulator.h"

namespace sunder {
namespace {

using cuda::launch;
using emulator::Order;

const Stream stream = Device{Device::Kind::cuda, 0};

// Every test runs in the three orders.
class KernelTest : public testing::TestWithParam<Order> {
 protected:
  void SetUp() override { emulator::settings().order = GetParam(); }
  void TearDown() override { emulator::settings().order = Order::forward; }
};

std::string name_of(const testing::TestParamInfo<Order>& order) {
  return order.param == Order::forward ? "forward" : order.param == Order::backward ? "backward" : "shuffled";
}
INSTANTIATE_TEST_SUITE_P(Orders, KernelTest, testing::Values(Order::forward, Order::backward, Order::shuffled),
                         name_of);

__global__ void index_kernel(int* seen) {
  const int threads = blockDim.x * blockDim.y * blockDim.z;
  const int block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  const int thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  seen[block * threads + thread] += block * threads + thread + 1;
}

TEST_P(KernelTest, RunsEveryThreadOfEveryBlockOnce) {
  constexpr int count = 3 * 5 * 2 * 7 * 3 * 2;
  const DeviceArray<int> seen(std::vector<int>(count, 0));
  launch(index_kernel, dim3(3, 5, 2), dim3(7, 3, 2), 0, stream, seen.data());
  std::vector<int> expected(count);
  std::iota(expected.begin(), expected.end(), 1);
  EXPECT_EQ(seen.values(), expected);
}

// Sums of what the threads before have, by doubling steps: two barriers a step.
__global__ void prefix_sum_kernel(const int* x, int* y) {
  SUNDER_SHARED(int[200], sums);
  const unsigned i = threadIdx.x;
  sums[i] = x[i];
  __syncthreads();
  for (unsigned step = 1; step < blockDim.x; step *= 2) {
    const int before = i >= step ? sums[i - step] : 0;
    __syncthreads();
    sums[i] += before;
    __syncthreads();
  }
  y[i] = sums[i];
}

TEST_P(KernelTest, BarriersOrderSharedMemory) {
  std::vector<int> x(200), expected(200);
  std::iota(x.begin(), x.end(), -50);
  std::partial_sum(x.begin(), x.end(), expected.begin());
  const DeviceArray<int> a(x), b(200);
  launch(prefix_sum_kernel, 1, 200, 0, stream, a.data(), b.data());
  EXPECT_EQ(b.values(), expected);
}

__global__ void vote_kernel(int* results) {
  const int i = threadIdx.x;
  results[i * 8 + 0] = __syncthreads_count(i % 3 == 0);
  results[i * 8 + 1] = __syncthreads_or(i == 77);
  results[i * 8 + 2] = __syncthreads_and(i < 95);
  results[i * 8 + 3] = static_cast<int>(__ballot_sync(0xffffffffu, i % 2));
  results[i * 8 + 4] = __any_sync(0xffffffffu, i == 40);
  results[i * 8 + 5] = __all_sync(0xffffffffu, i < 64);
  results[i * 8 + 6] = static_cast<int>(__activemask());
  __syncwarp();
  results[i * 8 + 7] = i % 32 < 16 ? __any_sync(0xffffu, i % 32 == 3) : __any_sync(0xffff0000u, i % 32 == 3);
}

TEST_P(KernelTest, VotesCountTheBlockAndTheWarp) {
  const DeviceArray<int> results(96 * 8);
  launch(vote_kernel, 1, 96, 0, stream, results.data());
  const std::vector<int> r = results.values();
  for (int i = 0; i < 96; ++i) {
    const std::vector<int> expected{32, 1, 0, static_cast<int>(0xaaaaaaaau), i / 32 == 1, i < 64, -1, i % 32 < 16};
    EXPECT_EQ(std::vector<int>(r.begin() + i * 8, r.begin() + i * 8 + 8), expected) << i;
  }
}

__global__ void shuffle_kernel(double* results) {
  const int lane = threadIdx.x;
  const double value = 100 + lane;
  double* r = results + lane * 8;
  r[0] = __shfl_sync(0xffffffffu, value, 5);
  r[1] = __shfl_sync(0xffffffffu, value, 9, 8);
  r[2] = __shfl_up_sync(0xffffffffu, value, 3);
  r[3] = __shfl_down_sync(0xffffffffu, value, 3);
  r[4] = __shfl_xor_sync(0xffffffffu, value, 16);
  r[5] = __shfl_down_sync(0xffffffffu, value, 2, 4);
  r[6] = __shfl_up_sync(0xffffffffu, value, 2, 4);
  r[7] = __shfl_xor_sync(0xffffffffu, value, 4, 4);
}

// Values by hand from the programming guide's definition.
TEST_P(KernelTest, ShufflesFollowTheProgrammingGuide) {
  const DeviceArray<double> results(32 * 8);
  launch(shuffle_kernel, 1, 32, 0, stream, results.data());
  const std::vector<double> r = results.values();
  for (int lane = 0; lane < 32; ++lane) {
    const double* got = r.data() + lane * 8;
    EXPECT_EQ(got[0], 105);
    EXPECT_EQ(got[1], 100 + lane / 8 * 8 + 1);
    EXPECT_EQ(got[2], 100 + (lane < 3 ? lane : lane - 3));
    EXPECT_EQ(got[3], 100 + (lane > 28 ? lane : lane + 3));
    EXPECT_EQ(got[4], 100 + (lane + 16) % 32);
    EXPECT_EQ(got[5], 100 + (lane % 4 > 1 ? lane : lane + 2));
    EXPECT_EQ(got[6], 100 + (lane % 4 < 2 ? lane : lane - 2));
    EXPECT_EQ(got[7], 100 + (lane / 4 % 2 == 0 ? lane : lane ^ 4));
  }
}

// Groups of a warp meet on their own, in different numbers; lanes that returned no longer count.
__global__ void group_kernel(float* sums, int gone) {
  const int lane = threadIdx.x, group = lane / 8;
  if (group == gone) return;
  const unsigned mask = 0xffu << group * 8;
  float sum = 0;
  for (int round = 0; round <= group; ++round) {
    float value = static_cast<float>(lane);
    for (int step = 4; step > 0; step /= 2) value += __shfl_xor_sync(mask, value, step);
    sum += value;
  }
  __syncwarp();
  sums[lane] = sum;
}

TEST_P(KernelTest, GroupsOfAWarpMeetOnTheirOwn) {
  const float expected[] = {28, 2 * 92, 3 * 156, 4 * 220};
  for (int gone = 0; gone < 4; ++gone) {
    const DeviceArray<float> sums(std::vector<float>(32, -1));
    launch(group_kernel, 1, 32, 0, stream, sums.data(), gone);
    const std::vector<float> s = sums.values();
    for (int lane = 0; lane < 32; ++lane) EXPECT_EQ(s[lane], lane / 8 == gone ? -1 : expected[lane / 8]) << lane;
  }
}

struct Tallies {
  int sum, most, least, last;
  unsigned bits, swapped;
  unsigned long long wide;
  float real;
};

__global__ void atomic_kernel(Tallies* t) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  atomicAdd(&t->sum, i);
  atomicMax(&t->most, i);
  atomicMin(&t->least, -i);
  atomicOr(&t->bits, 1u << i % 32);
  atomicAdd(&t->wide, 1ull << 33);
  atomicAdd(&t->real, 0.5f);
  atomicExch(&t->last, 7);
  atomicCAS(&t->swapped, 0u, 9u);
}

TEST_P(KernelTest, AtomicsAddUpOverBlocksAndHostThreads) {
  const DeviceArray<Tallies> tallies(std::vector<Tallies>{{0, -5, 5, 0, 0, 0, 0, 0}});
  launch(atomic_kernel, 100, 128, 0, stream, tallies.data());
  const Tallies t = tallies.values()[0];
  EXPECT_EQ(t.sum, 12800 / 2 * 12799);
  EXPECT_EQ(t.most, 12799);
  EXPECT_EQ(t.least, -12799);
  EXPECT_EQ(t.bits, ~0u);
  EXPECT_EQ(t.wide, 12800ull << 33);
  EXPECT_EQ(t.real, 6400);
  EXPECT_EQ(t.last, 7);
  EXPECT_EQ(t.swapped, 9u);
}

__global__ void vector_kernel(const float4* x, __nv_bfloat16* y, int count) {
  for (int i = threadIdx.x; i < count; i += blockDim.x) {
    const float4 v = __ldg(x + i);
    y[i] = __float2bfloat16(max(v.x, v.y) * rsqrtf(v.z) + min(v.w, 0));
  }
}

TEST_P(KernelTest, VectorsAndBfloat16RoundToNearestEven) {
  // 1.00390625 = 1 + 2^-8 lies between two bfloat16 values and goes to the even one, 1; 1 + 3 * 2^-8 goes up.
  const DeviceArray<float4> x(
      std::vector<float4>{{1, 2, 4, 1}, {1.00390625f, 0, 1, 0}, {1.01171875f, 0, 1, 0}, {0, 0, 1, -3}});
  const DeviceArray<__nv_bfloat16> y(4);
  launch(vector_kernel, 1, 32, 0, stream, x.data(), y.data(), 4);
  std::vector<float> got;
  for (const __nv_bfloat16 value : y.values()) got.push_back(value);
  EXPECT_EQ(got, (std::vector<float>{1, 1, 1.015625f, -3}));
  EXPECT_TRUE(std::isnan(static_cast<float>(__nv_bfloat16(std::nanf("")))));
  EXPECT_TRUE(std::isinf(static_cast<float>(__nv_bfloat16(3.4e38f))));
}

TEST(KernelCounters, CountLaunchesAndNames) {
  const uint64_t before = emulator::counters().kernels, threads = emulator::counters().threads;
  const DeviceArray<float> sums(32);
  launch(group_kernel, 1, 32, 0, stream, sums.data(), 3);
  launch(group_kernel, dim3(0), 32, 0, stream, sums.data(), 3);
  EXPECT_EQ(emulator::counters().kernels, before + 1);
  EXPECT_EQ(emulator::counters().threads, threads + 32);
  EXPECT_TRUE(emulator::kernels_run().contains("group_kernel"));
}

}  // namespace
}  // namespace sunder
