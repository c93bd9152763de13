#include "tensor/ops/depthwise_conv1d.h"

#include "tensor/ops/depthwise_conv1d.cuh"

// Tiles as in global_norm.cuh. Every tap reads x again, from the cache: tiles are 64 frames high. Floor: x and y once;
// backward dy and x once, dx once.
namespace sunder::cuda {
namespace {

template <class S, int width, class T = compute_type<S>>
__global__ void depthwise_kernel(Norm<S> input, const T* taps, const T* bias, int64_t kernel, int64_t step,
                                 int64_t chunks, S* y) {
  const Tile tile = Tile::of<width>(blockIdx.x, input.channels, chunks);
  const NormAffine<T, width> norm(input, tile);
  if (tile.column >= input.channels) return;
  const int64_t item = tile.item * input.frames * input.channels + tile.column;
  const int64_t first = tile.chunk * tile_rows + threadIdx.x / 32;
  for (int64_t row = first; row < first + tile_rows && row < input.frames; row += tile_warps) {
    Pack<T, width> sum;
    for (int i = 0; i < width; ++i) sum.at[i] = bias ? bias[tile.column + i] : T(0);
    for (int64_t k = 0; k < kernel; ++k) {
      const int64_t from = row + (k - kernel / 2) * step;
      if (from < 0 || from >= input.frames) continue;
      const auto n = norm(widen(load<width>(input.x + item + from * input.channels)));
      for (int i = 0; i < width; ++i) sum.at[i] += taps[(tile.column + i) * kernel + k] * n.at[i];
    }
    store<width>(y + item + row * input.channels, sum);
  }
}

// One kind after the other: the bias, then the taps.
template <class S, int width, class T = compute_type<S>>
__global__ void depthwise_sums_kernel(Norm<S> input, const S* dy, int64_t kernel, int64_t dilation, int64_t chunks,
                                      int64_t kinds, T* columns) {
  SUNDER_SHARED(T[block_size * width], shared);
  const Tile tile = Tile::of<width>(blockIdx.x, input.channels, chunks);
  const NormAffine<T, width> norm(input, tile);
  const int64_t item = tile.item * input.frames * input.channels + tile.column;
  const int64_t first = tile.chunk * tile_rows + threadIdx.x / 32;
  const int64_t end = tile.column < input.channels ? input.frames : 0;
  T* to = columns + (tile.item * chunks + tile.chunk) * kinds * input.channels;
  for (int64_t k = -1; k < kernel; ++k, to += input.channels) {
    T sum[1][width] = {};
    for (int64_t row = first; row < first + tile_rows && row < end; row += tile_warps) {
      const int64_t from = k < 0 ? row : row + (k - kernel / 2) * dilation;
      if (from < 0 || from >= input.frames) continue;
      const auto grad = widen(load<width>(dy + item + row * input.channels));
      const auto n = norm(widen(load<width>(input.x + item + from * input.channels)));
      for (int i = 0; i < width; ++i) sum[0][i] += k < 0 ? grad.at[i] : grad.at[i] * n.at[i];
    }
    write_columns(sum, tile, input.channels, shared, to);
  }
}

}  // namespace

template <class S>
void depthwise(const Norm<S>& input, const compute_type<S>* taps, const compute_type<S>* bias, int64_t kernel,
               int64_t step, S* y, Stream stream) {
  const int64_t chunks = tile_chunks(input.frames);
  with_tile_width<S>(input.channels, {input.x, y}, [&]<int width>() {
    launch(depthwise_kernel<S, width>, dim3(blocks_for(tile_blocks<width>(input.items, chunks, input.channels), 1)),
           dim3(block_size), 0, stream, input, taps, bias, kernel, step, chunks, y);
  });
}

template <class S>
void depthwise_sums(const Norm<S>& input, const S* dy, int64_t kernel, int64_t dilation, const Tensor& columns,
                    int64_t first) {
  const int64_t chunks = tile_chunks(input.frames);
  with_tile_width<S>(input.channels, {input.x, dy}, [&]<int width>() {
    launch(depthwise_sums_kernel<S, width>,
           dim3(blocks_for(tile_blocks<width>(input.items, chunks, input.channels), 1)), dim3(block_size), 0,
           columns.stream(), input, dy, kernel, dilation, chunks, columns.size(1),
           columns.mutable_data<compute_type<S>>() + first * input.channels);
  });
}

#define SUNDER_INSTANTIATE(S, T)                                                             \
  template void depthwise(const Norm<S>&, const T*, const T*, int64_t, int64_t, S*, Stream); \
  template void depthwise_sums(const Norm<S>&, const S*, int64_t, int64_t, const Tensor&, int64_t);
SUNDER_INSTANTIATE(bfloat16, float)
SUNDER_INSTANTIATE(float, float)
SUNDER_INSTANTIATE(double, double)
#undef SUNDER_INSTANTIATE

}  // namespace sunder::cuda

namespace sunder {

void cuda::depthwise_conv1d_forward(const Tensor& x, const Tensor& weight, const Tensor& bias, int64_t dilation,
                                    Tensor& y) {
  if (x.numel() == 0) return;
  visit_stored("depthwise_conv1d", x.dtype(), [&]<class S>() {
    using T = compute_type<S>;
    depthwise<S>(x, weight.data<T>(), bias.data<T>(), weight.size(2), dilation, y.mutable_data<S>(), x.stream());
  });
}

void cuda::depthwise_conv1d_backward(const Tensor& grad_y, const Tensor& x, const Tensor& weight, int64_t dilation,
                                     DepthwiseConv1dGrads& grads) {
  const int64_t kernel = weight.size(2), channels = x.size(2);
  if (x.numel() == 0) {
    grads.weight.zero();
    return grads.bias.zero();
  }
  visit_stored("depthwise_conv1d", x.dtype(), [&]<class S>() {
    using T = compute_type<S>;
    depthwise<S>(grad_y, weight.data<T>(), nullptr, kernel, -dilation, grads.x.mutable_data<S>(), x.stream());
    const Tensor columns =
        Tensor::empty({x.size(0) * tile_chunks(x.size(1)), kernel + 1, channels}, dtype_of<T>, x.stream());
    depthwise_sums<S>(x, grad_y.data<S>(), kernel, dilation, columns, 0);
    ColumnTotals<T> totals;
    totals.conv_bias = grads.bias.mutable_data<T>();
    totals.taps = grads.weight.mutable_data<T>();
    totals.kernel = kernel;
    norm_backward_finish<S>(x, {columns, Tensor()}, totals, nullptr, nullptr, nullptr);
  });
}

}  // namespace sunder
