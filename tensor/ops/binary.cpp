#include "tensor/ops/binary.h"

#include <algorithm>

#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace sunder {
namespace {

constexpr int64_t elements_per_chunk = 1 << 14;

// One run along the last axis; each operand advances, or repeats one element.
template <class Op, class T>
SUNDER_INLINE void binary_row(Op op, const T* a, bool a_runs, const T* b, bool b_runs, T* y, int64_t count) {
  if (a_runs && b_runs) {
#pragma omp simd
    for (int64_t i = 0; i < count; ++i) y[i] = op(a[i], b[i]);
  } else if (a_runs) {
    const T fixed = *b;
#pragma omp simd
    for (int64_t i = 0; i < count; ++i) y[i] = op(a[i], fixed);
  } else if (b_runs) {
    const T fixed = *a;
#pragma omp simd
    for (int64_t i = 0; i < count; ++i) y[i] = op(fixed, b[i]);
  } else {
    std::fill_n(y, count, op(*a, *b));
  }
}

// Elements [begin, end) of the result, one row of the last axis at a time.
template <class Op, class T>
SUNDER_SIMD void binary_range(Op op, const BroadcastLayout& layout, const T* a, const T* b, T* y, int64_t begin,
                              int64_t end) {
  const int last = layout.axes - 1;
  const int64_t row_size = layout.sizes[last];
  int64_t index[BroadcastLayout::max_axes], rest = begin, a_at = 0, b_at = 0;
  for (int axis = last; axis >= 0; --axis) {
    index[axis] = rest % layout.sizes[axis];
    rest /= layout.sizes[axis];
    a_at += index[axis] * layout.a_strides[axis];
    b_at += index[axis] * layout.b_strides[axis];
  }
  for (int64_t at = begin; at < end;) {
    const int64_t count = std::min(row_size - index[last], end - at);
    binary_row(op, a + a_at, layout.a_strides[last] != 0, b + b_at, layout.b_strides[last] != 0, y + at, count);
    at += count;
    a_at -= index[last] * layout.a_strides[last];
    b_at -= index[last] * layout.b_strides[last];
    index[last] = 0;
    for (int axis = last - 1; axis >= 0; --axis) {
      a_at += layout.a_strides[axis];
      b_at += layout.b_strides[axis];
      if (++index[axis] < layout.sizes[axis]) break;
      a_at -= layout.sizes[axis] * layout.a_strides[axis];
      b_at -= layout.sizes[axis] * layout.b_strides[axis];
      index[axis] = 0;
    }
  }
}

template <class Op>
Tensor binary(const char* name, const Op& op, const Tensor& a, const Tensor& b) {
  check_alike(name, {&a, &b});
  Tensor result = Tensor::empty(broadcast_shape(name, a.shape(), b.shape()), a.dtype(), a.stream());
  const BroadcastLayout layout = broadcast_layout(name, a.shape(), b.shape(), result.shape());
  SUNDER_DISPATCH(binary_forward<Op>, a.device())(op, layout, a, b, result);
  return result;
}

}  // namespace

template <class Op>
void cpu::binary_forward(const Op& op, const BroadcastLayout& layout, const Tensor& a, const Tensor& b,
                         Tensor& result) {
  visit_floating("binary", result.dtype(), [&]<class T>() {
    parallel_for(result.numel(), elements_per_chunk, [&](int64_t begin, int64_t end) {
      binary_range(op, layout, a.data<T>(), b.data<T>(), result.mutable_data<T>(), begin, end);
    });
  });
}

#define SUNDER_INSTANTIATE(Op) \
  template void cpu::binary_forward(const Op&, const BroadcastLayout&, const Tensor&, const Tensor&, Tensor&);
SUNDER_BINARY(SUNDER_INSTANTIATE)
#undef SUNDER_INSTANTIATE

Tensor add(const Tensor& a, const Tensor& b) { return binary("add", AddOp{}, a, b); }
Tensor subtract(const Tensor& a, const Tensor& b) { return binary("subtract", SubtractOp{}, a, b); }
Tensor multiply(const Tensor& a, const Tensor& b) { return binary("multiply", MultiplyOp{}, a, b); }
Tensor divide(const Tensor& a, const Tensor& b) { return binary("divide", DivideOp{}, a, b); }

Tensor multiply_conj(const Tensor& a, const Tensor& b) {
  if (!is_complex(b.dtype())) return multiply(a, b);
  return binary("multiply_conj", MultiplyConjOp{}, a, b);
}

Tensor divide_conj(const Tensor& a, const Tensor& b) {
  if (!is_complex(b.dtype())) return divide(a, b);
  return binary("divide_conj", DivideConjOp{}, a, b);
}

Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  if (broadcast_shape("broadcast_to", x.shape(), shape) != shape)
    throw_error("[broadcast_to] expected x that stretches to {}, got {}", to_string(shape), describe(x));
  Tensor result = Tensor::empty(shape, x.dtype(), x.stream());
  // The second operand has stride 0 and is not used.
  const BroadcastLayout layout = broadcast_layout("broadcast_to", x.shape(), Shape{}, shape);
  SUNDER_DISPATCH(binary_forward<FirstOp>, x.device())(FirstOp{}, layout, x, x, result);
  return result;
}

}  // namespace sunder
