// What kernels of the ops share: launch sizes, sums over a warp or a block in a fixed order, 16-byte accesses.
#pragma once

#include <cstdint>

#include "tensor/cuda/check.h"
#include "tensor/cuda/launch.h"
#include "tensor/tensor.h"

namespace sunder::cuda {

inline cudaStream_t native(const Tensor& tensor) { return static_cast<cudaStream_t>(tensor.stream().handle); }

// Threads of a block for element-wise kernels: eight warps fill an SM's schedulers and leave registers to spare.
inline constexpr int block_size = 256;

// Blocks of a grid-stride loop over `count` items, at most 16 waves of a large device's SMs: the rest is looped over.
inline dim3 grid_for(int64_t count, int threads = block_size) {
  constexpr int64_t most = 132 * 16;
  const int64_t blocks = (count + threads - 1) / threads;
  return dim3(static_cast<unsigned>(blocks < 1 ? 1 : blocks < most ? blocks : most));
}

// for (int64_t i : elements of this thread in a grid-stride loop)
#define SUNDER_GRID_STRIDE(i, count)                                                          \
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < (count); \
       i += static_cast<int64_t>(gridDim.x) * blockDim.x)

// The sum over a warp, the same bits in every lane.
template <class T>
__device__ __forceinline__ T warp_sum(T value) {
  for (int lanes = 16; lanes > 0; lanes /= 2) value += __shfl_xor_sync(0xffffffffu, value, lanes);
  return value;
}

// The sum over a block of `threads`, a multiple of 32, in a fixed order; the same bits in every thread. `partial` is
// shared memory of threads / 32 values and free again after the call.
template <int threads, class T>
__device__ __forceinline__ T block_sum(T value, T* partial) {
  value = warp_sum(value);
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = value;
  __syncthreads();
  T total = 0;
  for (int warp = 0; warp < threads / 32; ++warp) total += partial[warp];
  __syncthreads();
  return total;
}

}  // namespace sunder::cuda
