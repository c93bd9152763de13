#include "tensor/ops/pointwise.h"

#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace sunder {
namespace {

constexpr int64_t elements_per_chunk = 1 << 14;

template <class Op, class T>
SUNDER_SIMD void pointwise_range(Op op, const T* x, T* y, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) y[i] = op.value(x[i]);
}

template <class Op, class T>
SUNDER_SIMD void pointwise_backward_range(Op op, const T* dy, const T* saved, T* dx, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) dx[i] = dy[i] * op.derivative(saved[i]);
}

// A complex number counts as two reals: only functions that treat both parts alike accept complex types.
int64_t count_reals(const Tensor& x) { return x.numel() * (is_complex(x.dtype()) ? 2 : 1); }
template <class T>
T* reals(const Tensor& x) {
  return reinterpret_cast<T*>(x.raw());
}

}  // namespace

template <class Op>
void cpu::pointwise_forward(const Op& op, const Tensor& x, Tensor& y) {
  visit_real("pointwise", real_of(x.dtype()), [&]<class T>() {
    parallel_for(count_reals(x), elements_per_chunk, [&](int64_t begin, int64_t end) {
      pointwise_range(op, reals<T>(x) + begin, reals<T>(y) + begin, end - begin);
    });
  });
}

template <class Op>
void cpu::pointwise_backward(const Op& op, const Tensor& grad_y, const Tensor& saved, Tensor& grad_x) {
  visit_real("pointwise", real_of(grad_y.dtype()), [&]<class T>() {
    const T* point = reals<T>(saved.defined() ? saved : grad_y);  // where nothing is saved, read but not used
    parallel_for(count_reals(grad_y), elements_per_chunk, [&](int64_t begin, int64_t end) {
      pointwise_backward_range(op, reals<T>(grad_y) + begin, point + begin, reals<T>(grad_x) + begin, end - begin);
    });
  });
}

namespace {

void check(const Tensor& x, bool complex_too) {
  if (!is_real(x.dtype()) && !(complex_too && is_complex(x.dtype())))
    throw_error("[pointwise] expected float32 or float64{}, got {}", complex_too ? " or a complex type" : "",
                describe(x));
}

template <class Op>
bool takes_complex(const Op&) {
  return false;
}
bool takes_complex(const AffineOp& op) { return op.offset == 0; }

}  // namespace

template <class Op>
Tensor pointwise(const Op& op, const Tensor& x) {
  check(x, takes_complex(op));
  Tensor y = Tensor::empty_like(x);
  SUNDER_DISPATCH(pointwise_forward<Op>, x.device())(op, x, y);
  return y;
}

template <class Op>
Tensor pointwise_backward(const Op& op, const Tensor& grad_y, const Tensor& saved) {
  check(grad_y, takes_complex(op));
  SUNDER_ASSERT(saved.defined() == (Op::saved != Saved::nothing));
  if (saved.defined()) {
    check_alike("pointwise_backward", {&grad_y, &saved});
    check_shape("pointwise_backward", "grad_y", grad_y, saved.shape());
  }
  Tensor grad_x = Tensor::empty_like(grad_y);
  SUNDER_DISPATCH(pointwise_backward<Op>, grad_y.device())(op, grad_y, saved, grad_x);
  return grad_x;
}

#define SUNDER_INSTANTIATE(Op)                                                             \
  template void cpu::pointwise_forward(const Op&, const Tensor&, Tensor&);                 \
  template void cpu::pointwise_backward(const Op&, const Tensor&, const Tensor&, Tensor&); \
  template Tensor pointwise(const Op&, const Tensor&);                                     \
  template Tensor pointwise_backward(const Op&, const Tensor&, const Tensor&);
SUNDER_POINTWISE(SUNDER_INSTANTIATE)
#undef SUNDER_INSTANTIATE

}  // namespace sunder
