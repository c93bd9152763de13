#include "tensor/ops/lstm.h"

#include <algorithm>

#include "tensor/cuda/kernel.cuh"
#include "tensor/cuda/rnn.h"
#include "tensor/ops/permute.h"

// cuDNN runs the steps; it wants them outermost and the weights in a layout of its own. It sums the gradients of biases
// at a thirteenth of the memory's speed (1.3 ms for 0.4 GB on an H200, 16 times in a step of the paper's size), so it
// is given no biases: the sum of both is the weight of one more input, which is always one.
namespace sunder::cuda {
namespace {

// The inputs with the one, and zeros up to a multiple of 16 bytes, which aligns the loads of the products.
int64_t widened(int64_t inputs, DType dtype) {
  const auto unit = static_cast<int64_t>(16 / size_of(dtype));
  return ceil_div(inputs + 1, unit) * unit;
}

RnnKey key_of(const Tensor& x, const LstmSizes& s, Tf32 tf32) {
  return {s.steps, s.sequences(), widened(s.inputs, x.dtype()), s.hidden, x.dtype(), tf32, x.stream()};
}

// Row (a, t, r) of (A, T, R) for row (t, a, r) of (T, A, R).
struct Exchange {
  int64_t groups, steps, rows;
  __device__ __forceinline__ int64_t operator()(int64_t row) const {
    const int64_t outer = row / rows, step = outer / groups;
    return ((outer - step * groups) * steps + step) * rows + row - outer * rows;
  }
};

// y: (T, A, R, W) of x: (A, T, R, C). Floor: x and y once. Where C is a multiple of a pack, so is W.
template <int width, class T>
__global__ void widen_kernel(const T* x, T* y, Exchange exchange, int64_t inputs, int64_t wide, int64_t count) {
  SUNDER_GRID_STRIDE_PACKS(i, count, width) {
    const int64_t row = i / wide, column = i - row * wide;
    Pack<T, width> pack;
    if (column < inputs) pack = load<width>(x + exchange(row) * inputs + column);
    else
      for (int k = 0; k < width; ++k) pack.at[k] = T(column + k == inputs ? 1 : 0);
    store<width>(y + i, pack);
  }
}

// x: (A, T, R, C) of the first C columns of y: (T, A, R, W).
template <int width, class T>
__global__ void narrow_kernel(const T* y, T* x, Exchange exchange, int64_t inputs, int64_t wide, int64_t count) {
  SUNDER_GRID_STRIDE_PACKS(i, count, width) {
    const int64_t row = i / inputs, column = i - row * inputs;
    store<width>(x + exchange(row) * inputs + column, load<width>(y + row * wide + column));
  }
}

Tensor widen(const Tensor& x, const LstmSizes& s, int64_t wide) {
  const Tensor y = Tensor::empty({s.steps, s.sequences(), wide}, x.dtype(), x.stream());
  visit_stored("lstm", x.dtype(), [&]<class T>() {
    with_pack_width<T>(s.inputs, {x.raw(), y.raw()}, [&]<int width>() {
      launch(widen_kernel<width, T>, grid_for(y.numel() / width), dim3(block_size), 0, x.stream(), x.data<T>(),
             y.mutable_data<T>(), Exchange{s.groups, s.steps, s.rows}, s.inputs, wide, y.numel());
    });
  });
  return y;
}

void narrow(const Tensor& y, const LstmSizes& s, int64_t wide, const Tensor& x) {
  visit_stored("lstm", x.dtype(), [&]<class T>() {
    with_pack_width<T>(s.inputs, {x.raw(), y.raw()}, [&]<int width>() {
      launch(narrow_kernel<width, T>, grid_for(x.numel() / width), dim3(block_size), 0, x.stream(), y.data<T>(),
             x.mutable_data<T>(), Exchange{s.groups, s.steps, s.rows}, s.inputs, wide, x.numel());
    });
  });
}

// (A, T, R, C) -> (T, A, R, C), or back.
Tensor exchanged(const Tensor& x, int64_t first, int64_t second, int64_t rows) {
  const Tensor wide = x.reshape({first, second, rows, x.size(-1)});
  return first == 1 || second == 1 ? wide.reshape({second, first, rows, x.size(-1)}) : permute(wide, {1, 0, 2, 3});
}

// Both directions' parameters: matrices (2, 4H, C) and (2, 4H, H), biases (2, 4H).
template <class T, class S>
struct Parameters {
  T *weight_ih, *weight_hh;
  S *bias_ih, *bias_hh;
};

using Places = std::array<int64_t, 16>;  // of rnn_matrices

// A block copies a row of one of cuDNN's 16 matrices, which begins at `begin` in its weight space; `row`: of the
// parameter.
struct MatrixRow {
  bool recurrent;
  int64_t columns, row, begin;
};
__device__ __forceinline__ MatrixRow row_of_block(const Places& places, int64_t wide, int64_t hidden) {
  const int piece = static_cast<int>(blockIdx.y);
  const bool recurrent = piece % 8 >= 4;
  const int64_t columns = recurrent ? hidden : wide;
  return {recurrent, columns, (piece / 8 * 4 + piece % 4) * hidden + blockIdx.x, places[piece] + blockIdx.x * columns};
}

// The table of places is read from the kernel's arguments, not from a copy. Floor: the parameters and the space once, a
// few MB.
template <class T>
__global__ void pack_weights_kernel(Parameters<const T, const compute_type<T>> from, T* space,
                                    const __grid_constant__ Places places, int64_t inputs, int64_t wide,
                                    int64_t hidden) {
  const auto [recurrent, columns, row, begin] = row_of_block(places, wide, hidden);
  for (int64_t column = threadIdx.x; column < columns; column += blockDim.x) {
    T value(0);
    if (recurrent) value = from.weight_hh[row * hidden + column];
    else if (column < inputs) value = from.weight_ih[row * inputs + column];
    else if (column == inputs) value = T(from.bias_ih[row] + from.bias_hh[row]);
    space[begin + column] = value;
  }
}

// The inverse: the gradient of the sum is that of each bias.
template <class T>
__global__ void unpack_gradients_kernel(const T* space, Parameters<compute_type<T>, compute_type<T>> to,
                                        const __grid_constant__ Places places, int64_t inputs, int64_t wide,
                                        int64_t hidden) {
  const auto [recurrent, columns, row, begin] = row_of_block(places, wide, hidden);
  for (int64_t column = threadIdx.x; column < columns; column += blockDim.x) {
    const compute_type<T> value = space[begin + column];
    if (recurrent) to.weight_hh[row * hidden + column] = value;
    else if (column < inputs) to.weight_ih[row * inputs + column] = value;
    else if (column == inputs) to.bias_ih[row] = to.bias_hh[row] = value;
  }
}

dim3 grid_of_weights(const LstmSizes& s) { return {blocks_for(s.hidden, 1), 16}; }

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::lstm_forward(const Tensor& x, const LstmWeights& weights, Tf32 tf32, LstmResult& result) {
  if (result.y.numel() == 0) return;
  const LstmSizes s(x, weights.weight_hh);
  const RnnKey key = key_of(x, s, tf32);
  const Tensor space = rnn_weight_space(key);
  visit_stored("lstm", x.dtype(), [&]<class T>() {
    using S = compute_type<T>;
    launch(pack_weights_kernel<T>, grid_of_weights(s), dim3(block_size), 0, x.stream(),
           Parameters<const T, const S>{weights.weight_ih.data<T>(), weights.weight_hh.data<T>(),
                                        weights.bias_ih.data<S>(), weights.bias_hh.data<S>()},
           space.mutable_data<T>(), rnn_matrices(key, space), s.inputs, key.inputs, s.hidden);
  });
  const Tensor in = widen(x, s, key.inputs);
  const Tensor out = Tensor::empty({s.steps, s.sequences(), 2 * s.hidden}, x.dtype(), x.stream());
  const Tensor reserve = rnn_forward(key, in, space, out);
  result.y = exchanged(out, s.steps, s.groups, s.rows).reshape(result.y.shape());
  result.saved = {space, reserve, in, out};
}

void cuda::lstm_backward(const Tensor& grad_y, const Tensor& x, const LstmWeights& weights, const LstmResult& result,
                         Tf32 tf32, LstmGrads& grads) {
  LstmWeights& d = grads.weights;
  if (grad_y.numel() == 0) {
    for (const Tensor* grad : {&d.weight_ih, &d.weight_hh, &d.bias_ih, &d.bias_hh}) grad->zero();
    return;
  }
  const LstmSizes s(x, weights.weight_hh);
  const RnnKey key = key_of(x, s, tf32);
  const Tensor &space = result.saved[0], &reserve = result.saved[1], &in = result.saved[2], &out = result.saved[3];
  const Tensor grad_in = Tensor::empty_like(in);
  rnn_backward_data(key, out, exchanged(grad_y, s.groups, s.steps, s.rows), space, reserve, grad_in);
  if (grads.x.defined()) narrow(grad_in, s, key.inputs, grads.x);
  const Tensor grad_space = rnn_weight_space(key);
  grad_space.zero();
  rnn_backward_weights(key, in, out, reserve, grad_space);
  visit_stored("lstm", x.dtype(), [&]<class T>() {
    using S = compute_type<T>;
    launch(unpack_gradients_kernel<T>, grid_of_weights(s), dim3(block_size), 0, x.stream(), grad_space.data<T>(),
           Parameters<S, S>{d.weight_ih.mutable_data<S>(), d.weight_hh.mutable_data<S>(), d.bias_ih.mutable_data<S>(),
                            d.bias_hh.mutable_data<S>()},
           rnn_matrices(key, grad_space), s.inputs, key.inputs, s.hidden);
  });
}

}  // namespace sunder
