#include "tensor/ops/softmax.h"

#include <algorithm>

#include "tensor/parallel.h"
#include "tensor/simd.h"
#include "tensor/vector_math.h"

namespace sunder {
namespace {

constexpr int64_t elements_per_chunk = 1 << 13;

// One loop computes the exponentials of all rows: short rows would spend most of their time in its scalar end.
template <class T>
SUNDER_SIMD void softmax_rows(const T* x, T* y, int64_t rows, int64_t columns) {
  for (int64_t row = 0; row < rows; ++row) {
    const T* from = x + row * columns;
    T* into = y + row * columns;
    T largest = from[0];
#pragma omp simd reduction(max : largest)
    for (int64_t c = 0; c < columns; ++c) largest = from[c] > largest ? from[c] : largest;
#pragma omp simd
    for (int64_t c = 0; c < columns; ++c) into[c] = from[c] - largest;
  }
#pragma omp simd
  for (int64_t i = 0; i < rows * columns; ++i) y[i] = fast_exp(y[i]);
  for (int64_t row = 0; row < rows; ++row, y += columns) {
    T total = 0;
#pragma omp simd reduction(+ : total)
    for (int64_t c = 0; c < columns; ++c) total += y[c];
    const T scale = T(1) / total;
#pragma omp simd
    for (int64_t c = 0; c < columns; ++c) y[c] *= scale;
  }
}

template <class T>
SUNDER_SIMD void softmax_backward_rows(const T* dy, const T* y, T* dx, int64_t rows, int64_t columns) {
  for (int64_t row = 0; row < rows; ++row, dy += columns, y += columns, dx += columns) {
    T inner = 0;
#pragma omp simd reduction(+ : inner)
    for (int64_t c = 0; c < columns; ++c) inner += dy[c] * y[c];
#pragma omp simd
    for (int64_t c = 0; c < columns; ++c) dx[c] = y[c] * (dy[c] - inner);
  }
}

// Calls task(first element, rows) for chunks of whole rows.
template <class Task>
void for_rows(const Tensor& x, const Task& task) {
  const int64_t columns = x.size(-1);
  if (columns == 0) return;
  parallel_for(x.numel() / columns, elements_per_chunk / columns,
               [&](int64_t begin, int64_t end) { task(begin * columns, end - begin); });
}

}  // namespace

void cpu::softmax_forward(const Tensor& x, Tensor& y) {
  visit_real("softmax", x.dtype(), [&]<class T>() {
    for_rows(x, [&](int64_t at, int64_t rows) {
      softmax_rows(x.data<T>() + at, y.mutable_data<T>() + at, rows, x.size(-1));
    });
  });
}

void cpu::softmax_backward(const Tensor& grad_y, const Tensor& y, Tensor& grad_x) {
  visit_real("softmax", y.dtype(), [&]<class T>() {
    for_rows(y, [&](int64_t at, int64_t rows) {
      softmax_backward_rows(grad_y.data<T>() + at, y.data<T>() + at, grad_x.mutable_data<T>() + at, rows, y.size(-1));
    });
  });
}

Tensor softmax(const Tensor& x) {
  if (x.dim() < 1) throw_error("[softmax] expected x of shape (..., C), got {}", describe(x));
  Tensor y = Tensor::empty_like(x);
  SUNDER_DISPATCH(softmax_forward, x.device())(x, y);
  return y;
}

Tensor softmax_backward(const Tensor& grad_y, const Tensor& y) {
  check_alike("softmax_backward", {&grad_y, &y});
  check_shape("softmax_backward", "grad_y", grad_y, y.shape());
  Tensor grad_x = Tensor::empty_like(y);
  SUNDER_DISPATCH(softmax_backward, y.device())(grad_y, y, grad_x);
  return grad_x;
}

}  // namespace sunder
