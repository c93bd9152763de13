#include "tensor/ops/linear.h"

#include "tensor/cuda/blas.h"
#include "tensor/cuda/kernel.cuh"
#include "tensor/cuda/sum.h"

namespace sunder::cuda {
namespace {

// The bias on every row, before the product is added to it: y is written once more and read once, while the product
// runs. Floor: y once.
template <int width, class T>
__global__ void linear_bias_kernel(const T* bias, T* y, int64_t count, int64_t n) {
  SUNDER_GRID_STRIDE_PACKS(i, count, width) store(y + i, load<width>(bias + i % n));
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::linear_forward(const Tensor& x, const Tensor& weight, const Tensor& bias, Tensor& y) {
  const int64_t n = weight.size(0), k = weight.size(1);
  if (y.numel() == 0) return;
  visit_real("linear", x.dtype(), [&]<class T>() {
    T* out = y.mutable_data<T>();
    with_pack_width<T>(n, {bias.raw(), out}, [&]<int width>() {
      launch(linear_bias_kernel<width, T>, grid_for(y.numel() / width), dim3(block_size), 0, native(y), bias.data<T>(),
             out, y.numel(), n);
    });
    if (k == 0) return;
    blas::gemm<T>(y.stream(), y.numel() / n, n, k, 1, {x.data<T>(), k}, {weight.data<T>(), k, true}, 1, out, n);
  });
}

void cuda::linear_backward(const Tensor& grad_y, const Tensor& x, const Tensor& weight, LinearGrads& grads) {
  const int64_t n = weight.size(0), k = weight.size(1), rows = n > 0 ? grad_y.numel() / n : 0;
  visit_real("linear", x.dtype(), [&]<class T>() {
    const T* dy = grad_y.data<T>();
    if (grads.x.defined() && n == 0) grads.x.zero();
    if (grads.x.defined() && n > 0)
      blas::gemm<T>(x.stream(), rows, k, n, 1, {dy, n}, {weight.data<T>(), k}, 0, grads.x.mutable_data<T>(), k);
    if (rows == 0) grads.weight.zero();
    else
      blas::gemm<T>(x.stream(), n, k, rows, 1, {dy, n, true}, {x.data<T>(), k}, 0, grads.weight.mutable_data<T>(), k);
    sum_over(dy, 1, rows, n, grads.bias.mutable_data<T>(), x.stream());
  });
}

}  // namespace sunder
