// Building blocks of the ops' kernels: launch shapes, 16-byte accesses, and reductions over a row, a warp or a block in
// a fixed order.
#pragma once

#include <cuda_bf16.h>

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <limits>

#include "tensor/cuda/check.h"
#include "tensor/cuda/launch.h"
#include "tensor/tensor.h"

namespace sunder::cuda {

__host__ __device__ constexpr int64_t ceil_div(int64_t count, int64_t size) { return (count + size - 1) / size; }

// Launch shapes.

// Threads of a block for element-wise kernels: eight warps fill an SM's schedulers and leave registers to spare.
inline constexpr int block_size = 256;
// The number of SMs that grids are sized for (H100, H200); a constant, so that sums have one order on every device.
inline constexpr int64_t multiprocessors = 132;

// Blocks of a grid-stride loop over `count` items, at most 16 per SM: two waves of full SMs.
inline dim3 grid_for(int64_t count, int threads = block_size) {
  constexpr int64_t most = multiprocessors * 16;
  const int64_t blocks = ceil_div(count, threads);
  return dim3(static_cast<unsigned>(blocks < 1 ? 1 : blocks < most ? blocks : most));
}

// for (int64_t i : elements of this thread in a grid-stride loop)
#define SUNDER_GRID_STRIDE(i, count) SUNDER_GRID_STRIDE_PACKS(i, count, 1)

// The same in steps of `width` elements: i is the first element of a pack.
#define SUNDER_GRID_STRIDE_PACKS(i, count, width)                                                        \
  for (int64_t i = (static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) * (width); i < (count); \
       i += static_cast<int64_t>(gridDim.x) * blockDim.x * (width))

// 16-byte accesses.

// `width` neighbouring elements, loaded and stored together, 16 bytes per access.
template <class T, int width>
struct alignas(sizeof(T) * width < 16 ? sizeof(T) * width : 16) Pack {
  T at[width];
};

// The pack at x. Where fewer than `width` elements are left, those and zeros.
template <int width, class T>
__device__ __forceinline__ Pack<T, width> load(const T* x, int64_t left = width) {
  if (left >= width) return *reinterpret_cast<const Pack<T, width>*>(x);
  Pack<T, width> pack;
  for (int k = 0; k < width; ++k) pack.at[k] = k < left ? x[k] : T(0);
  return pack;
}

// The values of a pack in the compute type.
template <int width, class T>
__device__ __forceinline__ Pack<compute_type<T>, width> widen(const Pack<T, width>& pack) {
  Pack<compute_type<T>, width> values;
  for (int k = 0; k < width; ++k) values.at[k] = pack.at[k];
  return values;
}

// Stores a pack, or its first `left` elements, to global memory. In some loops nvcc splits the assignment of a pack
// into its elements; the intrinsic, otherwise a plain store, remains one access.
template <int width, class T>
__device__ __forceinline__ void store(T* y, const Pack<T, width>& pack, int64_t left = width) {
  if (left < width) {
    for (int k = 0; k < width; ++k)
      if (k < left) y[k] = pack.at[k];
    return;
  }
#ifdef __CUDA_ARCH__
  if constexpr (sizeof(pack) % 8 == 0) {
    using Word = std::conditional_t<sizeof(pack) % 16 == 0, uint4, uint2>;
    Word words[sizeof(pack) / sizeof(Word)];
    memcpy(words, &pack, sizeof(pack));
    for (size_t k = 0; k < sizeof(pack) / sizeof(Word); ++k) __stwb(reinterpret_cast<Word*>(y) + k, words[k]);
    return;
  }
#endif
  *reinterpret_cast<Pack<T, width>*>(y) = pack;
}

// Stores values as bfloat16; one instruction rounds two.
template <int width>
__device__ __forceinline__ void store(bfloat16* y, const Pack<float, width>& values, int64_t left = width) {
  Pack<bfloat16, width> pack;
  for (int k = 0; k + 1 < width; k += 2) {
    const __nv_bfloat162 pair = __floats2bfloat162_rn(values.at[k], values.at[k + 1]);
    memcpy(&pack.at[k], &pair, sizeof(pair));
  }
  if constexpr (width % 2 == 1) pack.at[width - 1] = bfloat16(values.at[width - 1]);
  store(y, pack, left);
}

// Calls f<width>() with 16 bytes' worth of T (or `wide` elements) as width where all addresses and all rows of `row`
// elements are aligned to it, otherwise with 1. row = 0: there are no rows, and the kernel passes `left`.
template <class T, int wide = sizeof(T) < 16 ? 16 / sizeof(T) : 1, class F>
void with_pack_width(int64_t row, std::initializer_list<const void*> addresses, F&& f) {
  bool aligned = row % wide == 0;
  for (const void* address : addresses)
    aligned = aligned && reinterpret_cast<uintptr_t>(address) % (wide * sizeof(T)) == 0;
  if (aligned) f.template operator()<wide>();
  else f.template operator()<1>();
}

// Reductions.

struct Sum {
  template <class T>
  __device__ __forceinline__ T operator()(T a, T b) const {
    return a + b;
  }
};
struct Largest {
  template <class T>
  __device__ __forceinline__ T operator()(T a, T b) const {
    return a > b ? a : b;
  }
};

// Reduces over `lanes` neighbouring lanes of a warp (a power of two); all of them get the same bits. Groups of one warp
// may call it different numbers of times.
template <int lanes, class Op, class T>
__device__ __forceinline__ T lanes_reduce(T value, Op op) {
  const unsigned group = lanes == 32 ? 0xffffffffu : ((1u << lanes % 32) - 1) << (threadIdx.x % 32 / lanes * lanes);
  for (int step = lanes / 2; step > 0; step /= 2) value = op(value, __shfl_xor_sync(group, value, step));
  return value;
}

// Reduces over a block of `threads`, a multiple of 32, in a fixed order; all threads get the same bits. `partial`:
// shared memory of threads / 32 values, free again after the call.
template <int threads, class Op, class T>
__device__ __forceinline__ T block_reduce(T value, T* partial, Op op) {
  value = lanes_reduce<32>(value, op);
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = value;
  __syncthreads();
  T total = partial[0];
  for (int warp = 1; warp < threads / 32; ++warp) total = op(total, partial[warp]);
  __syncthreads();
  return total;
}

template <class T>
__device__ __forceinline__ T warp_sum(T value) {
  return lanes_reduce<32>(value, Sum{});
}
template <int threads, class T>
__device__ __forceinline__ T block_sum(T value, T* partial) {
  return block_reduce<threads>(value, partial, Sum{});
}

// Rows: `row_threads` threads of a block of block_size share a row, so a block holds one row or several.

#define SUNDER_ROW_STRIDE(row, rows, row_threads)                                                                   \
  for (int64_t row = (static_cast<int64_t>(blockIdx.x) * ::sunder::cuda::block_size + threadIdx.x) / (row_threads); \
       row < (rows); row += static_cast<int64_t>(gridDim.x) * (::sunder::cuda::block_size / (row_threads)))

// Synchronises the threads that share a row: a warp or the whole block.
template <int row_threads>
__device__ __forceinline__ void row_sync() {
  static_assert(row_threads == 32 || row_threads == block_size);
  if constexpr (row_threads == 32) __syncwarp();
  else __syncthreads();
}

// Reduces over the threads of one row. `partial`: shared memory of block_size / 32 values, used where a row has a whole
// block.
template <int row_threads, class Op, class T>
__device__ __forceinline__ T row_reduce(T value, T* partial, Op op) {
  if constexpr (row_threads <= 32) return lanes_reduce<row_threads>(value, op);
  else return block_reduce<row_threads>(value, partial, op);
}

// Calls f<row_threads, width>() for rows of `columns`: four lanes for short rows; a warp up to the length at which
// eight rows together fit the L1 cache of an SM (rows are read more than once); a block beyond it.
template <class T, class F>
void with_row_shape(int64_t columns, std::initializer_list<const void*> addresses, F&& f) {
  with_pack_width<T>(columns, addresses, [&]<int width>() {
    if (columns <= 16) f.template operator()<4, width>();
    else if (columns <= 1024) f.template operator()<32, width>();
    else f.template operator()<block_size, width>();
  });
}

}  // namespace sunder::cuda
