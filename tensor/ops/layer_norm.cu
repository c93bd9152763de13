#include "tensor/ops/layer_norm.h"

#include <cmath>

#include "tensor/cuda/kernel.cuh"
#include "tensor/ops/sum.cuh"

namespace sunder::cuda {
namespace {

// Floor: x and y once. The threads of a row read it again from the L1 cache, for the variance and for y.
template <int row_threads, int width, class T>
__global__ void layer_norm_forward_kernel(const T* x, const T* gain, const T* bias, T eps, T* y, T* means, T* rstds,
                                          int64_t rows, int64_t channels) {
  SUNDER_SHARED(T[block_size / 32], partial);
  const int thread = threadIdx.x % row_threads, first = thread * width;
  SUNDER_ROW_STRIDE(row, rows, row_threads) {
    const T* from = x + row * channels;
    T total = 0, squares = 0;
    for (int64_t c = first; c < channels; c += row_threads * width)
      for (T value : load<width>(from + c).at) total += value;
    const T mean = row_reduce<row_threads>(total, partial, Sum{}) / static_cast<T>(channels);
    for (int64_t c = first; c < channels; c += row_threads * width)
      for (T value : load<width>(from + c).at) squares += (value - mean) * (value - mean);
    squares = row_reduce<row_threads>(squares, partial, Sum{});
    const T rstd = T(1) / std::sqrt(squares / static_cast<T>(channels) + eps);
    for (int64_t c = first; c < channels; c += row_threads * width) {
      auto values = load<width>(from + c);
      const auto g = load<width>(gain + c), b = load<width>(bias + c);
      for (int k = 0; k < width; ++k) values.at[k] = (values.at[k] - mean) * rstd * g.at[k] + b.at[k];
      store(y + row * channels + c, values);
    }
    if (thread == 0) {
      means[row] = mean;
      rstds[row] = rstd;
    }
  }
}

// Floor: dy, x and dx once.
template <int row_threads, int width, class T>
__global__ void layer_norm_backward_kernel(const T* dy, const T* x, const T* gain, const T* means, const T* rstds,
                                           T* dx, int64_t rows, int64_t channels) {
  SUNDER_SHARED(T[block_size / 32], partial);
  const int first = threadIdx.x % row_threads * width;
  SUNDER_ROW_STRIDE(row, rows, row_threads) {
    const T mean = means[row], rstd = rstds[row];
    const T *grad_row = dy + row * channels, *x_row = x + row * channels;
    T sum_g = 0, sum_gx = 0;
    for (int64_t c = first; c < channels; c += row_threads * width) {
      const auto grad = load<width>(grad_row + c), value = load<width>(x_row + c), factor = load<width>(gain + c);
      for (int k = 0; k < width; ++k) {
        const T g = grad.at[k] * factor.at[k];
        sum_g += g;
        sum_gx += g * (value.at[k] - mean) * rstd;
      }
    }
    const T mean_g = row_reduce<row_threads>(sum_g, partial, Sum{}) / static_cast<T>(channels);
    const T mean_gx = row_reduce<row_threads>(sum_gx, partial, Sum{}) / static_cast<T>(channels);
    for (int64_t c = first; c < channels; c += row_threads * width) {
      auto grad = load<width>(grad_row + c);
      const auto value = load<width>(x_row + c), factor = load<width>(gain + c);
      for (int k = 0; k < width; ++k)
        grad.at[k] = rstd * (grad.at[k] * factor.at[k] - mean_g - (value.at[k] - mean) * rstd * mean_gx);
      store(dx + row * channels + c, grad);
    }
  }
}

constexpr int lanes = 32, groups = block_size / lanes, rows_per_chunk = 64;

// The gradients of gain and bias over a chunk of rows, one chunk and one tile of columns per block: a lane has a
// column, a warp every eighth row. dy and x come from the L2 cache, where the kernel above has just left them.
// partial_gain, partial_bias: (chunks, C).
template <class T>
__global__ void layer_norm_columns_kernel(const T* dy, const T* x, const T* means, const T* rstds, double* partial_gain,
                                          double* partial_bias, int64_t rows, int64_t channels) {
  SUNDER_SHARED(T[groups][lanes], gain_sums);
  SUNDER_SHARED(T[groups][lanes], bias_sums);
  const int lane = threadIdx.x % lanes, group = threadIdx.x / lanes;
  const int64_t chunks = ceil_div(rows, rows_per_chunk), tiles = ceil_div(channels, lanes);
  for (int64_t task = blockIdx.x; task < chunks * tiles; task += gridDim.x) {
    const int64_t chunk = task / tiles, column = (task - chunk * tiles) * lanes + lane;
    const int64_t begin = chunk * rows_per_chunk, end = begin + rows_per_chunk < rows ? begin + rows_per_chunk : rows;
    T gain_sum = 0, bias_sum = 0;
    for (int64_t row = begin + group; column < channels && row < end; row += groups) {
      const T grad = dy[row * channels + column];
      gain_sum += grad * (x[row * channels + column] - means[row]) * rstds[row];
      bias_sum += grad;
    }
    gain_sums[group][lane] = gain_sum;
    bias_sums[group][lane] = bias_sum;
    __syncthreads();
    if (group < 2 && column < channels) {  // one warp each
      double total = 0;
      for (int g = 0; g < groups; ++g) total += group == 0 ? gain_sums[g][lane] : bias_sums[g][lane];
      (group == 0 ? partial_gain : partial_bias)[chunk * channels + column] = total;
    }
    __syncthreads();
  }
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::layer_norm_forward(const Tensor& x, const Tensor& gain, const Tensor& bias, double eps,
                              LayerNormResult& result) {
  const int64_t channels = x.size(-1), rows = x.numel() / channels;
  if (rows == 0) return;
  visit_real("layer_norm", x.dtype(), [&]<class T>() {
    with_row_shape<T>(channels, {x.raw(), gain.raw(), bias.raw(), result.y.raw()}, [&]<int row_threads, int width>() {
      launch(layer_norm_forward_kernel<row_threads, width, T>, grid_for(rows * row_threads), dim3(block_size), 0,
             x.stream(), x.data<T>(), gain.data<T>(), bias.data<T>(), static_cast<T>(eps), result.y.mutable_data<T>(),
             result.mean.mutable_data<T>(), result.rstd.mutable_data<T>(), rows, channels);
    });
  });
}

void cuda::layer_norm_backward(const Tensor& grad_y, const Tensor& x, const Tensor& gain, const Tensor& mean,
                               const Tensor& rstd, LayerNormGrads& grads) {
  const int64_t channels = x.size(-1), rows = x.numel() / channels, chunks = ceil_div(rows, rows_per_chunk);
  if (rows == 0) {
    grads.gain.zero();
    grads.bias.zero();
    return;
  }
  const Tensor partial = Tensor::empty({2 * chunks, channels}, DType::float64, x.stream());
  double *gain_sums = partial.mutable_data<double>(), *bias_sums = gain_sums + chunks * channels;
  visit_real("layer_norm", x.dtype(), [&]<class T>() {
    with_row_shape<T>(channels, {grad_y.raw(), x.raw(), gain.raw(), grads.x.raw()}, [&]<int row_threads, int width>() {
      launch(layer_norm_backward_kernel<row_threads, width, T>, grid_for(rows * row_threads), dim3(block_size), 0,
             x.stream(), grad_y.data<T>(), x.data<T>(), gain.data<T>(), mean.data<T>(), rstd.data<T>(),
             grads.x.mutable_data<T>(), rows, channels);
    });
    launch(layer_norm_columns_kernel<T>, grid_for(chunks * ceil_div(channels, lanes) * block_size), dim3(block_size), 0,
           x.stream(), grad_y.data<T>(), x.data<T>(), mean.data<T>(), rstd.data<T>(), gain_sums, bias_sums, rows,
           channels);
    sum_over(gain_sums, 1, chunks, channels, grads.gain.mutable_data<T>(), x.stream());
    sum_over(bias_sums, 1, chunks, channels, grads.bias.mutable_data<T>(), x.stream());
  });
}

}  // namespace sunder
