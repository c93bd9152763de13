#include "tensor/ops/l2_norm.h"

#include <cmath>

#include "tensor/cuda/last_block.cuh"

namespace sunder::cuda {
namespace {

// Floor: x once. Every block writes its sum of squares to `partial`, and the last block adds them up; squares in x's
// type, their sums in float64.
template <int width, class T>
__global__ void l2_norm_kernel(const T* x, int64_t count, double* partial, unsigned* counter, T* norm) {
  SUNDER_SHARED(double[block_size / 32], sums);
  double total = 0;
  SUNDER_GRID_STRIDE_PACKS(i, count, width) {
    for (T value : load<width>(x + i, count - i).at) total += static_cast<double>(value * value);
  }
  total = block_sum<block_size>(total, sums);
  if (threadIdx.x == 0) partial[blockIdx.x] = total;
  if (!is_last_block(counter, gridDim.x)) return;
  total = 0;
  for (int64_t i = threadIdx.x; i < gridDim.x; i += block_size) total += read_again(partial + i);
  total = block_sum<block_size>(total, sums);
  if (threadIdx.x == 0) *norm = static_cast<T>(std::sqrt(total));
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::l2_norm(const Tensor& x, Tensor& norm) {
  if (x.numel() == 0) return norm.zero();
  visit_real("l2_norm", x.dtype(), [&]<class T>() {
    with_pack_width<T>(0, {x.raw()}, [&]<int width>() {
      const dim3 grid = grid_for(ceil_div(x.numel(), width));
      const Tensor partial = Tensor::empty({grid.x}, DType::float64, x.stream());
      launch(l2_norm_kernel<width, T>, grid, dim3(block_size), 0, x.stream(), x.data<T>(), x.numel(),
             partial.mutable_data<double>(), counters(x.stream()), norm.mutable_data<T>());
    });
  });
}

}  // namespace sunder
