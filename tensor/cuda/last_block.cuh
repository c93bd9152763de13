// Reductions in one launch: blocks write partial results, and the last block to finish combines them in order.
#pragma once

#include "tensor/cuda/counters.h"
#include "tensor/cuda/kernel.cuh"

namespace sunder::cuda {

// Called by all threads of a block after it wrote its part; `blocks` blocks share the counter. True in the last block,
// which may read what the others wrote, with read_again(). The counter is zero before and after.
__device__ __forceinline__ bool is_last_block(unsigned* counter, int64_t blocks) {
  SUNDER_SHARED(bool, last);
  __syncthreads();
  if (threadIdx.x == 0) {
    __threadfence();  // publishes the block's writes; the one below makes the other blocks' visible
    last = atomicAdd(counter, 1u) + 1 == static_cast<unsigned>(blocks);
    if (last) *counter = 0;
    __threadfence();
  }
  __syncthreads();
  const bool result = last;
  __syncthreads();  // `last` is free for the next call
  return result;
}

// Reads past the L1 cache, which may hold a value from before another block wrote.
template <class T>
__device__ __forceinline__ T read_again(const T* from) {
  return *static_cast<const volatile T*>(from);
}

}  // namespace sunder::cuda
