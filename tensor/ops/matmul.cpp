#include "tensor/ops/matmul.h"

#include <algorithm>

#include "tensor/blas.h"
#include "tensor/ops/sum.h"
#include "tensor/parallel.h"

namespace sunder {
namespace {

// Products below this many multiplications (about 50 us) are distributed over threads whole; larger ones are split.
constexpr int64_t small_product = 1 << 21;

}  // namespace

void cpu::matmul_forward(const MatmulSizes& sizes, const Tensor& a, const Tensor& b, Tensor& result) {
  const auto& [count, m, n, k, a_stride, b_stride, transpose_a, transpose_b, tf32] = sizes;
  if (result.numel() == 0) return;
  if (k == 0) return result.zero();
  const int64_t lda = transpose_a ? m : k, ldb = transpose_b ? k : n, work = m * n * k;
  visit_real("matmul", result.dtype(), [&]<class T>() {
    const T *x = a.data<T>(), *y = b.data<T>();
    T* z = result.mutable_data<T>();
    if (sizes.count < 8 && work > small_product) {
      for (int64_t i = 0; i < sizes.count; ++i)
        blas::parallel_gemm<T>(sizes.transpose_a, sizes.transpose_b, sizes.m, sizes.n, sizes.k, 1,
                               x + i * sizes.a_stride, lda, y + i * sizes.b_stride, ldb, 0, z + i * sizes.m * sizes.n,
                               sizes.n);
      return;
    }
    parallel_for(sizes.count, small_product / std::max<int64_t>(1, work), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        blas::gemm(sizes.transpose_a, sizes.transpose_b, sizes.m, sizes.n, sizes.k, T(1), x + i * sizes.a_stride, lda,
                   y + i * sizes.b_stride, ldb, T(0), z + i * sizes.m * sizes.n, sizes.n);
    });
  });
}

namespace {

Shape leading(const Tensor& x) { return Shape(x.shape().begin(), x.shape().end() - 2); }

// The leading axes become rows: one product instead of many with the same right operand.
Tensor flat(const Tensor& x) { return x.reshape({numel(leading(x)) * x.size(-2), x.size(-1)}); }

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b, bool transpose_a, bool transpose_b, Tf32 tf32) {
  check_alike("matmul", {&a, &b});
  check_tf32("matmul", a, tf32);
  if (a.dim() < 2 || b.dim() < 2) throw_error("[matmul] expected matrices, got {} and {}", describe(a), describe(b));
  const int64_t m = a.size(transpose_a ? -1 : -2), k = a.size(transpose_a ? -2 : -1);
  const int64_t k_of_b = b.size(transpose_b ? -1 : -2), n = b.size(transpose_b ? -2 : -1);
  if (k != k_of_b)
    throw_error("[matmul] expected inner sizes that agree, got {} of {} and {} of {}", k, describe(a), k_of_b,
                describe(b));
  if (a.dim() > 2 && b.dim() > 2 && leading(a) != leading(b))
    throw_error("[matmul] expected the same leading axes or none, got {} and {}", describe(a), describe(b));
  Shape shape = leading(a.dim() > 2 ? a : b);
  const int64_t count = numel(shape);
  shape.insert(shape.end(), {m, n});
  Tensor result = Tensor::empty(shape, a.dtype(), a.stream());
  const bool one_product = b.dim() == 2 && !transpose_a;
  const MatmulSizes sizes{one_product ? 1 : count,
                          one_product ? count * m : m,
                          n,
                          k,
                          a.dim() > 2 ? m * k : 0,
                          b.dim() > 2 ? k * n : 0,
                          transpose_a,
                          transpose_b,
                          tf32};
  SUNDER_DISPATCH(matmul_forward, a.device())(sizes, a, b, result);
  return result;
}

MatmulGrads matmul_backward(const Tensor& grad, const Tensor& a, const Tensor& b, bool transpose_a, bool transpose_b,
                            bool wants_a, bool wants_b, Tf32 tf32) {
  MatmulGrads grads;
  if (wants_a) {
    const Tensor all =
        transpose_a ? matmul(b, grad, transpose_b, true, tf32) : matmul(grad, b, false, !transpose_b, tf32);
    grads.a = sum_to(all, a.shape());
  }
  if (wants_b) {
    const bool one_product = b.dim() == 2 && !transpose_a;
    const Tensor x = one_product ? flat(a) : a, dy = one_product ? flat(grad) : grad;
    const Tensor all = transpose_b ? matmul(dy, x, true, transpose_a, tf32) : matmul(x, dy, !transpose_a, false, tf32);
    grads.b = sum_to(all, b.shape());
  }
  return grads;
}

}  // namespace sunder
