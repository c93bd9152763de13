// Reductions in one launch: blocks write partial results, and the one that comes last adds them up, in their order.
#pragma once

#include "tensor/cuda/counters.h"
#include "tensor/cuda/kernel.cuh"

namespace sunder::cuda {

// By all threads of a block, after it wrote its part; `blocks` of them share the counter. True in the last one: what
// the others wrote can be read, with read_again(). The counter is zero before and after.
__device__ __forceinline__ bool is_last_block(unsigned* counter, int64_t blocks) {
  SUNDER_SHARED(bool, last);
  __syncthreads();
  if (threadIdx.x == 0) {
    __threadfence();  // of what the block wrote before the barrier: the others' writes are seen after the one below
    last = atomicAdd(counter, 1u) + 1 == static_cast<unsigned>(blocks);
    if (last) *counter = 0;
    __threadfence();
  }
  __syncthreads();
  const bool result = last;
  __syncthreads();  // `last` is free for the next call
  return result;
}

// Past the first cache, which may hold what stood there before another block wrote.
template <class T>
__device__ __forceinline__ T read_again(const T* from) {
  return *static_cast<const volatile T*>(from);
}

}  // namespace sunder::cuda
