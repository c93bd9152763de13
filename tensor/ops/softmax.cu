#include "tensor/ops/softmax.h"

#include <limits>

#include "tensor/cuda/kernel.cuh"
#include "tensor/ops/pointwise_functors.h"

// Floor: x and y once forward, three tensors backward. The threads of a row read it again from the L1 cache: for the
// maximum, for the sum, and to write (the exponential twice is cheaper than storing it).
namespace sunder::cuda {
namespace {

template <int row_threads, int width, class T>
__global__ void softmax_forward_kernel(const T* x, T* y, int64_t rows, int64_t columns) {
  SUNDER_SHARED(T[block_size / 32], partial);
  const int first = threadIdx.x % row_threads * width;
  SUNDER_ROW_STRIDE(row, rows, row_threads) {
    const T* from = x + row * columns;
    T largest = -std::numeric_limits<T>::infinity(), total = 0;
    for (int64_t c = first; c < columns; c += row_threads * width)
      for (T value : load<width>(from + c).at) largest = Largest{}(value, largest);
    largest = row_reduce<row_threads>(largest, partial, Largest{});
    for (int64_t c = first; c < columns; c += row_threads * width)
      for (T value : load<width>(from + c).at) total += ExpOp{}.value(value - largest);
    const T scale = T(1) / row_reduce<row_threads>(total, partial, Sum{});
    for (int64_t c = first; c < columns; c += row_threads * width) {
      auto values = load<width>(from + c);
      for (T& value : values.at) value = ExpOp{}.value(value - largest) * scale;
      store(y + row * columns + c, values);
    }
  }
}

template <int row_threads, int width, class T>
__global__ void softmax_backward_kernel(const T* dy, const T* y, T* dx, int64_t rows, int64_t columns) {
  SUNDER_SHARED(T[block_size / 32], partial);
  const int first = threadIdx.x % row_threads * width;
  SUNDER_ROW_STRIDE(row, rows, row_threads) {
    T inner = 0;
    for (int64_t i = row * columns + first; i < (row + 1) * columns; i += row_threads * width) {
      const auto grad = load<width>(dy + i), value = load<width>(y + i);
      for (int k = 0; k < width; ++k) inner += grad.at[k] * value.at[k];
    }
    inner = row_reduce<row_threads>(inner, partial, Sum{});
    for (int64_t i = row * columns + first; i < (row + 1) * columns; i += row_threads * width) {
      auto grad = load<width>(dy + i);
      const auto value = load<width>(y + i);
      for (int k = 0; k < width; ++k) grad.at[k] = value.at[k] * (grad.at[k] - inner);
      store(dx + i, grad);
    }
  }
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::softmax_forward(const Tensor& x, Tensor& y) {
  if (x.numel() == 0) return;
  const int64_t columns = x.size(-1), rows = x.numel() / columns;
  visit_real("softmax", x.dtype(), [&]<class T>() {
    with_row_shape<T>(columns, {x.raw(), y.raw()}, [&]<int row_threads, int width>() {
      launch(softmax_forward_kernel<row_threads, width, T>, grid_for(rows * row_threads), dim3(block_size), 0,
             x.stream(), x.data<T>(), y.mutable_data<T>(), rows, columns);
    });
  });
}

void cuda::softmax_backward(const Tensor& grad_y, const Tensor& y, Tensor& grad_x) {
  if (y.numel() == 0) return;
  const int64_t columns = y.size(-1), rows = y.numel() / columns;
  visit_real("softmax", y.dtype(), [&]<class T>() {
    with_row_shape<T>(columns, {grad_y.raw(), y.raw(), grad_x.raw()}, [&]<int row_threads, int width>() {
      launch(softmax_backward_kernel<row_threads, width, T>, grid_for(rows * row_threads), dim3(block_size), 0,
             y.stream(), grad_y.data<T>(), y.data<T>(), grad_x.mutable_data<T>(), rows, columns);
    });
  });
}

}  // namespace sunder
