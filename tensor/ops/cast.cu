#include "tensor/cuda/kernel.cuh"
#include "tensor/ops/cast.h"

namespace sunder::cuda {
namespace {

// Floor: both tensors once. A thread converts 16 bytes' worth of the narrower type.
template <class From, class To>
constexpr int cast_width = 16 / static_cast<int>(sizeof(From) < sizeof(To) ? sizeof(From) : sizeof(To));

template <class From, class To>
__global__ void cast_kernel(const From* x, To* y, int64_t count) {
  constexpr int width = cast_width<From, To>;
  SUNDER_GRID_STRIDE_PACKS(i, count, width) {
    const auto from = load<width>(x + i, count - i);
    Pack<To, width> to;
    for (int k = 0; k < width; ++k) to.at[k] = static_cast<To>(from.at[k]);
    store(y + i, to, count - i);
  }
}

// For views that do not begin at a multiple of 16 bytes.
template <class From, class To>
__global__ void cast_unaligned_kernel(const From* x, To* y, int64_t count) {
  SUNDER_GRID_STRIDE(i, count) y[i] = static_cast<To>(x[i]);
}

template <class From, class To>
void cast_reals(const Tensor& x, Tensor& y, int64_t count) {
  const auto* from = reinterpret_cast<const From*>(x.raw());
  auto* to = reinterpret_cast<To*>(y.raw());
  constexpr int wide = cast_width<From, To>;
  with_pack_width<std::byte, 16>(0, {from, to}, [&]<int bytes>() {
    if constexpr (bytes == 16)
      launch(cast_kernel<From, To>, grid_for(ceil_div(count, wide)), dim3(block_size), 0, x.stream(), from, to, count);
    else launch(cast_unaligned_kernel<From, To>, grid_for(count), dim3(block_size), 0, x.stream(), from, to, count);
  });
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::cast_to(const Tensor& x, Tensor& y) {
  const int64_t count = x.numel() * (is_complex(x.dtype()) ? 2 : 1);  // a complex number is two reals here
  if (count == 0) return;
  visit_stored("cast", real_of(x.dtype()), [&]<class From>() {
    visit_stored("cast", real_of(y.dtype()), [&]<class To>() { cast_reals<From, To>(x, y, count); });
  });
}

}  // namespace sunder
