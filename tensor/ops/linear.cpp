#include "tensor/ops/linear.h"

#include <algorithm>
#include <vector>

#include "tensor/blas.h"
#include "tensor/parallel.h"

namespace sunder {
namespace {

constexpr int64_t small_weight = 1 << 13;  // numbers; 128 rows times it is where OpenBLAS begins to pack

void check(const Tensor& x, const Tensor& weight, Tf32 tf32) {
  check_tf32("linear", x, tf32);
  check_alike("linear", {&x, &weight});
  check_dim("linear", "weight", weight, 2);
  if (x.dim() < 1 || x.size(-1) != weight.size(1))
    throw_error("[linear] expected x of shape (..., {}), got {}", weight.size(1), describe(x));
}

int64_t rows_of(const Tensor& x) { return x.size(-1) > 0 ? x.numel() / x.size(-1) : 0; }

}  // namespace

void cpu::linear_forward(const Tensor& x, const Tensor& weight, const Tensor& bias, Tf32, Tensor& y) {
  const int64_t rows = rows_of(x), n = weight.size(0), k = weight.size(1);
  visit_real("linear", x.dtype(), [&]<class T>() {
    // A small weight is transposed once, so that products of many rows read both operands along their rows: up to twice
    // as fast where OpenBLAS does not pack them anyway.
    const bool turn = n * k <= small_weight;
    std::vector<T> turned(turn ? n * k : 0);
    for (int64_t row = 0; turn && row < n; ++row)
      for (int64_t c = 0; c < k; ++c) turned[c * n + row] = weight.data<T>()[row * k + c];
    // Writes the bias first and adds the product to it: the rows are in the cache then, and no pass is added.
    T* out = y.mutable_data<T>();
    parallel_for(rows, 64, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) std::copy_n(bias.data<T>(), n, out + row * n);
    });
    blas::parallel_gemm<T>(false, !turn, rows, n, k, 1, x.data<T>(), k, turn ? turned.data() : weight.data<T>(),
                           turn ? n : k, 1, out, n);
  });
}

void cpu::linear_backward(const Tensor& grad_y, const Tensor& x, const Tensor& weight, Tf32, LinearGrads& grads) {
  const int64_t rows = rows_of(x), n = weight.size(0), k = weight.size(1);
  visit_real("linear", x.dtype(), [&]<class T>() {
    const T* dy = grad_y.data<T>();
    if (grads.x.defined())
      blas::parallel_gemm<T>(false, false, rows, k, n, 1, dy, n, weight.data<T>(), k, 0, grads.x.mutable_data<T>(), k);
    blas::parallel_gemm<T>(true, false, n, k, rows, 1, dy, n, x.data<T>(), k, 0, grads.weight.mutable_data<T>(), k);
    blas::column_sums(dy, rows, n, grads.bias.mutable_data<T>());
  });
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, Tf32 tf32) {
  check(x, weight, tf32);
  check_parameters("linear", x, {&bias});
  check_shape("linear", "bias", bias, {weight.size(0)});
  Shape shape = x.shape();
  shape.back() = weight.size(0);
  Tensor y = Tensor::empty(shape, x.dtype(), x.stream());
  SUNDER_DISPATCH(linear_forward, x.device())(x, weight, bias, tf32, y);
  return y;
}

LinearGrads linear_backward(const Tensor& grad_y, const Tensor& x, const Tensor& weight, bool wants_x, Tf32 tf32) {
  check(x, weight, tf32);
  Shape shape = x.shape();
  shape.back() = weight.size(0);
  check_shape("linear_backward", "grad_y", grad_y, shape);
  LinearGrads grads;
  if (wants_x) grads.x = Tensor::empty_like(x);
  grads.weight = empty_gradient(weight);
  grads.bias = Tensor::empty({weight.size(0)}, grads.weight.dtype(), x.stream());
  SUNDER_DISPATCH(linear_backward, x.device())(grad_y, x, weight, tf32, grads);
  return grads;
}

}  // namespace sunder
