#include "tensor/ops/fcp_weight.h"

#include "tensor/cuda/kernel.cuh"

// The powers, and the largest of every piece of 2,048 points; then every block finds its group's largest among the
// pieces (32 at 501 x 129 points) and adds its share. Floor: mixtures once, weights once; the weights are also read and
// written again.
namespace sunder::cuda {
namespace {

constexpr int64_t points_per_block = 8 * block_size;

// partial: (groups of all items, pieces)
template <class T>
__global__ void fcp_power_kernel(const T* mixtures, int64_t shared, int64_t points, int64_t pieces, T* power,
                                 T* partial) {
  SUNDER_SHARED(T[block_size / 32], largest_of_warps);
  const int64_t row = blockIdx.x / pieces, begin = blockIdx.x % pieces * points_per_block;
  const T share = T(1) / static_cast<T>(shared);
  T largest = 0;
  for (int64_t i = begin + threadIdx.x; i < points && i < begin + points_per_block; i += block_size) {
    T sum = 0;
    for (int64_t m = 0; m < shared; ++m) {
      const auto y = load<2>(mixtures + 2 * ((row * shared + m) * points + i));
      sum += share * (y.at[0] * y.at[0] + y.at[1] * y.at[1]);
    }
    power[row * points + i] = sum;
    largest = Largest{}(sum, largest);
  }
  largest = block_reduce<block_size>(largest, largest_of_warps, Largest{});
  if (threadIdx.x == 0) partial[blockIdx.x] = largest;
}

template <class T>
__global__ void fcp_floor_kernel(const T* partial, T xi, int64_t points, int64_t pieces, T* power) {
  SUNDER_SHARED(T[block_size / 32], largest_of_warps);
  const int64_t row = blockIdx.x / pieces, begin = blockIdx.x % pieces * points_per_block;
  T largest = 0;
  for (int64_t i = threadIdx.x; i < pieces; i += block_size) largest = Largest{}(partial[row * pieces + i], largest);
  const T floor = xi * block_reduce<block_size>(largest, largest_of_warps, Largest{});
  for (int64_t i = begin + threadIdx.x; i < points && i < begin + points_per_block; i += block_size)
    power[row * points + i] += floor;
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::fcp_weight(const Tensor& mixtures, double xi, Tensor& weights) {
  const int64_t rows = weights.size(0) * weights.size(1), points = weights.size(2) * weights.size(3);
  const int64_t pieces = ceil_div(points, points_per_block);
  const Stream stream = weights.stream();
  visit_real("fcp_weight", weights.dtype(), [&]<class T>() {
    const Tensor partial = Tensor::empty({rows, pieces}, weights.dtype(), stream);
    const dim3 grid(blocks_for(rows * pieces, 1)), block(block_size);
    launch(fcp_power_kernel<T>, grid, block, 0, stream, reinterpret_cast<const T*>(mixtures.raw()),
           mixtures.size(1) / weights.size(1), points, pieces, weights.mutable_data<T>(), partial.mutable_data<T>());
    launch(fcp_floor_kernel<T>, grid, block, 0, stream, partial.data<T>(), static_cast<T>(xi), points, pieces,
           weights.mutable_data<T>());
  });
}

}  // namespace sunder
