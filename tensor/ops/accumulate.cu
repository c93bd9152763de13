#include "tensor/ops/accumulate.h"

#include "tensor/cuda/kernel.cuh"

namespace sunder::cuda {
namespace {

// Floor: both tensors once and the sum again. A grid-stride loop, 16 bytes per access.
template <int width, class T>
__global__ void accumulate_kernel(T* sum, const T* term, int64_t count) {
  SUNDER_GRID_STRIDE_PACKS(i, count, width) {
    auto values = widen(load<width>(sum + i, count - i));
    const auto added = widen(load<width>(term + i, count - i));
    for (int k = 0; k < width; ++k) values.at[k] += added.at[k];
    store<width>(sum + i, values, count - i);
  }
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::accumulate(Tensor& sum, const Tensor& term) {
  const int64_t count = sum.numel() * (is_complex(sum.dtype()) ? 2 : 1);  // a complex number is two reals here
  if (count == 0) return;
  visit_stored("accumulate", real_of(sum.dtype()), [&]<class T>() {
    with_pack_width<T>(0, {sum.raw(), term.raw()}, [&]<int width>() {
      launch(accumulate_kernel<width, T>, grid_for(ceil_div(count, width)), dim3(block_size), 0, sum.stream(),
             reinterpret_cast<T*>(sum.raw()), reinterpret_cast<const T*>(term.raw()), count);
    });
  });
}

}  // namespace sunder
