#include "tensor/cuda/kernel.cuh"
#include "tensor/ops/cast.h"

namespace sunder::cuda {
namespace {

// Floor: both tensors once, 12 bytes an element. A thread converts four, 16 bytes of float32 and 32 of float64.
constexpr int cast_width = 4;

template <class From, class To>
__global__ void cast_kernel(const From* x, To* y, int64_t count) {
  SUNDER_GRID_STRIDE_PACKS(i, count, cast_width) {
    const auto from = load<cast_width>(x + i, count - i);
    Pack<To, cast_width> to;
    for (int k = 0; k < cast_width; ++k) to.at[k] = static_cast<To>(from.at[k]);
    store(y + i, to, count - i);
  }
}

// Where a view begins between two 16-byte words.
template <class From, class To>
__global__ void cast_unaligned_kernel(const From* x, To* y, int64_t count) {
  SUNDER_GRID_STRIDE(i, count) y[i] = static_cast<To>(x[i]);
}

template <class From, class To>
void cast_reals(const Tensor& x, Tensor& y, int64_t count) {
  const auto* from = reinterpret_cast<const From*>(x.raw());
  auto* to = reinterpret_cast<To*>(y.raw());
  with_pack_width<float>(0, {from, to}, [&]<int width>() {
    if constexpr (width == cast_width)
      launch(cast_kernel<From, To>, grid_for(ceil_div(count, width)), dim3(block_size), 0, native(x), from, to, count);
    else launch(cast_unaligned_kernel<From, To>, grid_for(count), dim3(block_size), 0, native(x), from, to, count);
  });
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::cast_to(const Tensor& x, Tensor& y) {
  const int64_t count = x.numel() * (is_complex(x.dtype()) ? 2 : 1);  // a complex number is two reals here
  if (count == 0) return;
  if (real_of(x.dtype()) == DType::float32) cast_reals<float, double>(x, y, count);
  else cast_reals<double, float>(x, y, count);
}

}  // namespace sunder
