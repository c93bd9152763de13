#include "tensor/ops/pointwise.h"

#include "tensor/cuda/kernel.cuh"

// Floor: two tensors forward; backward two where nothing is saved, else three. Grid-stride loops, 16 bytes per access.
namespace sunder::cuda {
namespace {

template <int width, class Op, class T>
__global__ void pointwise_forward_kernel(Op op, const T* x, T* y, int64_t count) {
  SUNDER_GRID_STRIDE_PACKS(i, count, width) {
    auto values = load<width>(x + i, count - i);
    for (T& value : values.at) value = op.value(value);
    store(y + i, values, count - i);
  }
}

template <int width, class Op, class T>
__global__ void pointwise_backward_kernel(Op op, const T* dy, const T* saved, T* dx, int64_t count) {
  SUNDER_GRID_STRIDE_PACKS(i, count, width) {
    auto grad = load<width>(dy + i, count - i);
    auto at = grad;
    if constexpr (Op::saved != Saved::nothing) at = load<width>(saved + i, count - i);
    for (int k = 0; k < width; ++k) grad.at[k] *= op.derivative(at.at[k]);
    store(dx + i, grad, count - i);
  }
}

// A complex number counts as two reals: only functions that treat both parts alike accept complex types.
int64_t count_reals(const Tensor& x) { return x.numel() * (is_complex(x.dtype()) ? 2 : 1); }
template <class T>
T* reals(const Tensor& x) {
  return x.defined() ? reinterpret_cast<T*>(x.raw()) : nullptr;
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

template <class Op>
void cuda::pointwise_forward(const Op& op, const Tensor& x, Tensor& y) {
  const int64_t count = count_reals(x);
  if (count == 0) return;
  visit_real("pointwise", real_of(x.dtype()), [&]<class T>() {
    with_pack_width<T>(0, {x.raw(), y.raw()}, [&]<int width>() {
      launch(pointwise_forward_kernel<width, Op, T>, grid_for(ceil_div(count, width)), dim3(block_size), 0, x.stream(),
             op, reals<T>(x), reals<T>(y), count);
    });
  });
}

template <class Op>
void cuda::pointwise_backward(const Op& op, const Tensor& grad_y, const Tensor& saved, Tensor& grad_x) {
  const int64_t count = count_reals(grad_y);
  if (count == 0) return;
  visit_real("pointwise", real_of(grad_y.dtype()), [&]<class T>() {
    const T *dy = reals<T>(grad_y), *point = reals<T>(saved);
    with_pack_width<T>(0, {dy, point, grad_x.raw()}, [&]<int width>() {
      launch(pointwise_backward_kernel<width, Op, T>, grid_for(ceil_div(count, width)), dim3(block_size), 0,
             grad_y.stream(), op, dy, point, reals<T>(grad_x), count);
    });
  });
}

#define SUNDER_INSTANTIATE(Op)                                              \
  template void cuda::pointwise_forward(const Op&, const Tensor&, Tensor&); \
  template void cuda::pointwise_backward(const Op&, const Tensor&, const Tensor&, Tensor&);
SUNDER_POINTWISE(SUNDER_INSTANTIATE)
#undef SUNDER_INSTANTIATE

}  // namespace sunder
