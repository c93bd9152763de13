#include "tensor/cuda/kernel.cuh"
#include "tensor/ops/accumulate.h"

namespace sunder {
namespace {

template <class T>
__global__ void accumulate_kernel(T* sum, const T* term, int64_t count) {
  SUNDER_GRID_STRIDE(i, count) sum[i] += term[i];
}

}  // namespace

void cuda::accumulate(Tensor& sum, const Tensor& term) {
  visit_real("accumulate", real_of(sum.dtype()), [&]<class T>() {
    const int64_t count = sum.numel() * (is_complex(sum.dtype()) ? 2 : 1);
    if (count == 0) return;
    launch(accumulate_kernel<T>, grid_for(count), dim3(block_size), 0, native(sum), reinterpret_cast<T*>(sum.raw()),
           reinterpret_cast<const T*>(term.raw()), count);
  });
}

}  // namespace sunder
