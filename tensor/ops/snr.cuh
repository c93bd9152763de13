// Shared by the CUDA kernels of pit_snr, mixit_snr and pit_ri_mag: how samples are split, sums over a block, the best
// candidate.
#pragma once

#include "tensor/cuda/kernel.cuh"
#include "tensor/ops/permutation.h"
#include "tensor/ops/snr.h"

namespace sunder::cuda {

// Samples of an item per block, eight per thread: a thread sums those in T, everything else is float64.
inline constexpr int snr_samples_per_thread = 8, snr_warps = block_size / 32;
inline constexpr int64_t snr_samples = snr_samples_per_thread * block_size;
inline int64_t snr_pieces(int64_t length) { return ceil_div(length, snr_samples); }

// The first sample of this thread's pack number `pack` in a piece that begins at `begin`.
template <int width>
__device__ __forceinline__ int64_t snr_sample(int64_t begin, int pack) {
  return begin + (static_cast<int64_t>(pack) * block_size + threadIdx.x) * width;
}

// sums[i] over the block into to[i], i < count. `shared`: count * snr_warps values.
template <class T>
__device__ __forceinline__ void snr_keep(T sum, int i, double* shared) {
  const double total = warp_sum(static_cast<double>(sum));
  if (threadIdx.x % 32 == 0) shared[i * snr_warps + threadIdx.x / 32] = total;
}
__device__ __forceinline__ void snr_write(int count, const double* shared, double* to) {
  __syncthreads();
  for (int i = threadIdx.x; i < count; i += block_size) {
    double sum = 0;
    for (int warp = 0; warp < snr_warps; ++warp) sum += shared[i * snr_warps + warp];
    to[i] = sum;
  }
}

struct Candidate {
  double loss;
  int index;
};

// The smallest loss, the first of equals; where a NaN makes all losses NaN, the first candidate.
__device__ __forceinline__ Candidate better(const Candidate& a, const Candidate& b) {
  if (a.loss < b.loss) return a;
  if (b.loss < a.loss) return b;
  return a.index < b.index ? a : b;
}

// The best of a block's, in every thread. `shared`: snr_warps values.
__device__ __forceinline__ Candidate block_best(Candidate best, Candidate* shared) {
  for (int lanes = 16; lanes > 0; lanes /= 2)
    best =
        better(best, {__shfl_xor_sync(0xffffffffu, best.loss, lanes), __shfl_xor_sync(0xffffffffu, best.index, lanes)});
  if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = best;
  __syncthreads();
  best = shared[0];
  for (int warp = 1; warp < snr_warps; ++warp) best = better(best, shared[warp]);
  return best;
}
// The value of a thread without a candidate.
__device__ __forceinline__ Candidate no_candidate() { return {HUGE_VAL, 2147483647}; }

// The permutation with the smallest sum of cost(reference, estimate), over the threads of a block. `shared`: snr_warps
// values.
template <class Cost>
__device__ __forceinline__ Candidate best_permutation_of_block(int sources, int permutations, Candidate* shared,
                                                               const Cost& cost) {
  Candidate best = no_candidate();
  for (int index = threadIdx.x; index < permutations; index += block_size) {
    const unsigned permutation = permutation_at(index, sources, permutations);
    double sum = 0;
    for (int s = 0; s < sources; ++s) sum += cost(s, permuted(permutation, s));
    best = better(best, {sum, index});
  }
  return block_best(best, shared);
}

// Calls f<sources>(): kernels whose sums of every pair stay in registers.
template <class F>
void with_sources(int64_t sources, F&& f) {
  switch (sources) {
    case 1:
      return f.template operator()<1>();
    case 2:
      return f.template operator()<2>();
    case 3:
      return f.template operator()<3>();
    case 4:
      return f.template operator()<4>();
    case 5:
      return f.template operator()<5>();
    default:
      return f.template operator()<6>();
  }
}
static_assert(pit_max_sources == 6);

}  // namespace sunder::cuda
