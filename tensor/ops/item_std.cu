#include "tensor/ops/item_std.h"

#include <algorithm>

#include "tensor/cuda/last_block.cuh"

namespace sunder::cuda {
namespace {

// Floor: x once. Blocks (piece, item) write their sums, and the last block adds them up, one thread per item.
template <int width, class T>
__global__ void item_std_kernel(const T* x, int64_t items, int64_t length, double* partial, unsigned* counter,
                                T* deviations) {
  SUNDER_SHARED(double[block_size / 32], sums);
  const T* item = x + static_cast<int64_t>(blockIdx.y) * length;
  double sum = 0, squares = 0;
  SUNDER_GRID_STRIDE_PACKS(i, length, width) {
    for (T element : load<width>(item + i, length - i).at) {
      const double value = element;
      sum += value;
      squares += value * value;
    }
  }
  sum = block_sum<block_size>(sum, sums);
  squares = block_sum<block_size>(squares, sums);
  double* own = partial + (static_cast<int64_t>(blockIdx.y) * gridDim.x + blockIdx.x) * 2;
  if (threadIdx.x == 0) {
    own[0] = sum;
    own[1] = squares;
  }
  if (!is_last_block(counter, static_cast<int64_t>(gridDim.x) * gridDim.y)) return;
  for (int64_t b = threadIdx.x; b < items; b += block_size) {
    sum = squares = 0;
    for (unsigned piece = 0; piece < gridDim.x; ++piece) {
      sum += read_again(partial + (b * gridDim.x + piece) * 2);
      squares += read_again(partial + (b * gridDim.x + piece) * 2 + 1);
    }
    deviations[b] = static_cast<T>(deviation_of(sum, squares, length));
  }
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::item_std(const Tensor& x, Tensor& deviations) {
  visit_real("item_std", x.dtype(), [&]<class T>() {
    const int64_t items = x.size(0), length = x.numel() / items;
    with_pack_width<T>(length, {x.raw()}, [&]<int width>() {
      const unsigned pieces = static_cast<unsigned>(std::clamp<int64_t>(ceil_div(length, 16 * block_size), 1, 64));
      const Tensor partial = Tensor::empty({items, pieces, 2}, DType::float64, x.stream());
      launch(item_std_kernel<width, T>, dim3(pieces, static_cast<unsigned>(items)), dim3(block_size), 0, x.stream(),
             x.data<T>(), items, length, partial.mutable_data<double>(), counters(x.stream()),
             deviations.mutable_data<T>());
    });
  });
}

}  // namespace sunder
