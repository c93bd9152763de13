#include "tensor/ops/linear.h"

#include "tensor/cuda/blas.h"
#include "tensor/cuda/kernel.cuh"
#include "tensor/ops/sum.cuh"

namespace sunder::cuda {
namespace {

// Writes the bias to every row, and the product is added to it: y is written once more and read once, while the product
// runs. Floor: y once.
template <int width, class S>
__global__ void linear_bias_kernel(const compute_type<S>* bias, S* y, int64_t count, int64_t n) {
  SUNDER_GRID_STRIDE_PACKS(i, count, width) store<width>(y + i, load<width>(bias + i % n));
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::linear_forward(const Tensor& x, const Tensor& weight, const Tensor& bias, Tf32 tf32, Tensor& y) {
  const int64_t n = weight.size(0), k = weight.size(1);
  if (y.numel() == 0) return;
  visit_stored("linear", x.dtype(), [&]<class S>() {
    S* out = y.mutable_data<S>();
    with_pack_width<S>(n, {bias.raw(), out}, [&]<int width>() {
      launch(linear_bias_kernel<width, S>, grid_for(y.numel() / width), dim3(block_size), 0, y.stream(),
             bias.data<compute_type<S>>(), out, y.numel(), n);
    });
    if (k == 0) return;
    blas::gemm<S>(y.stream(), tf32, y.numel() / n, n, k, 1, {x.data<S>(), k}, {weight.data<S>(), k, true}, 1, out, n);
  });
}

void cuda::linear_backward(const Tensor& grad_y, const Tensor& x, const Tensor& weight, Tf32 tf32, LinearGrads& grads) {
  const int64_t n = weight.size(0), k = weight.size(1), rows = n > 0 ? grad_y.numel() / n : 0;
  visit_stored("linear", x.dtype(), [&]<class S>() {
    using T = compute_type<S>;
    const S* dy = grad_y.data<S>();
    if (grads.x.defined() && n == 0) grads.x.zero();
    if (grads.x.defined() && n > 0)
      blas::gemm<S>(x.stream(), tf32, rows, k, n, 1, {dy, n}, {weight.data<S>(), k}, 0, grads.x.mutable_data<S>(), k);
    if (rows == 0) grads.weight.zero();
    else
      blas::gemm<S>(x.stream(), tf32, n, k, rows, 1, {dy, n, true}, {x.data<S>(), k}, 0, grads.weight.mutable_data<T>(),
                    k);
    sum_over(dy, 1, rows, n, grads.bias.mutable_data<T>(), x.stream());
  });
}

}  // namespace sunder
