#include "tensor/ops/head_norm.h"

#include <cmath>

#include "tensor/cuda/kernel.cuh"
#include "tensor/ops/sum.cuh"

// Floor: x and y once forward, three tensors backward. A block takes the vector of one head, up to 12,384 elements in
// the paper's network, and reads it again from the caches, for the variance and for the result. Backward, a second
// kernel sums the columns and reads x and dy once more.
namespace sunder::cuda {
namespace {

struct Sizes {
  int64_t frames, steps;
  int bins, heads, channels;

  Sizes(const Tensor& x, const Tensor& slope)
      : frames(x.size(0) * x.size(1)),
        steps(x.size(1)),
        bins(static_cast<int>(x.size(2))),
        heads(static_cast<int>(slope.size(0))),
        channels(static_cast<int>(x.size(3)) / heads) {}
  __host__ __device__ int vector() const { return bins * channels; }
  __device__ __forceinline__ int64_t x_at(int64_t frame, int head, int k) const {
    const int f = k / channels;
    return (frame * bins + f) * heads * channels + head * channels + (k - f * channels);
  }
  __device__ __forceinline__ int64_t y_at(int64_t frame, int head) const {
    const int64_t item = frame / steps;
    return ((item * heads + head) * steps + (frame - item * steps)) * vector();
  }
};

template <class T>
__device__ __forceinline__ T rectified(T value, T slope) {
  return value > T(0) ? value : slope * value;
}

// moments: (frame, head) of mean and scale.
template <class S, class T>
__global__ void head_norm_forward_kernel(const S* x, const T* slopes, const T* gain, const T* bias, T eps, S* y,
                                         T* moments, Sizes s) {
  SUNDER_SHARED(T[block_size / 32], partial);
  const int count = s.vector();
  for (int64_t row = blockIdx.x; row < s.frames * s.heads; row += gridDim.x) {
    const int64_t frame = row / s.heads;
    const int head = static_cast<int>(row - frame * s.heads);
    const T slope = slopes[head];
    T total = 0, squares = 0;
    for (int k = threadIdx.x; k < count; k += block_size) total += rectified<T>(x[s.x_at(frame, head, k)], slope);
    const T mean = block_sum<block_size>(total, partial) / static_cast<T>(count);
    for (int k = threadIdx.x; k < count; k += block_size) {
      const T d = rectified<T>(x[s.x_at(frame, head, k)], slope) - mean;
      squares += d * d;
    }
    const T scale = T(1) / sqrt(block_sum<block_size>(squares, partial) / static_cast<T>(count) + eps);
    S* into = y + s.y_at(frame, head);
    for (int k = threadIdx.x; k < count; k += block_size)
      into[k] = S((rectified<T>(x[s.x_at(frame, head, k)], slope) - mean) * scale * gain[head * count + k] +
                  bias[head * count + k]);
    if (threadIdx.x == 0) {
      moments[2 * row] = mean;
      moments[2 * row + 1] = scale;
    }
  }
}

// slope_sums: (frame, head).
template <class S, class T>
__global__ void head_norm_backward_kernel(const S* dy, const S* x, const T* slopes, const T* gain, const T* moments,
                                          S* dx, T* slope_sums, Sizes s) {
  SUNDER_SHARED(T[block_size / 32], partial);
  const int count = s.vector();
  for (int64_t row = blockIdx.x; row < s.frames * s.heads; row += gridDim.x) {
    const int64_t frame = row / s.heads;
    const int head = static_cast<int>(row - frame * s.heads);
    const T slope = slopes[head], mean = moments[2 * row], scale = moments[2 * row + 1];
    const S* from = dy + s.y_at(frame, head);
    T sum_g = 0, sum_gn = 0, slope_sum = 0;
    for (int k = threadIdx.x; k < count; k += block_size) {
      const T g = static_cast<T>(from[k]) * gain[head * count + k];
      sum_g += g;
      sum_gn += g * (rectified<T>(x[s.x_at(frame, head, k)], slope) - mean) * scale;
    }
    const T mean_g = block_sum<block_size>(sum_g, partial) / static_cast<T>(count);
    const T mean_gn = block_sum<block_size>(sum_gn, partial) / static_cast<T>(count);
    for (int k = threadIdx.x; k < count; k += block_size) {
      const int64_t at = s.x_at(frame, head, k);
      const T value = x[at], n = (rectified<T>(value, slope) - mean) * scale;
      const T d = scale * (static_cast<T>(from[k]) * gain[head * count + k] - mean_g - n * mean_gn);
      dx[at] = S(value > T(0) ? d : slope * d);
      if (!(value > T(0))) slope_sum += d * value;
    }
    slope_sum = block_sum<block_size>(slope_sum, partial);
    if (threadIdx.x == 0) slope_sums[row] = slope_sum;
  }
}

constexpr int frames_per_piece = 32;

// sums: (piece, 2, L F C) of gain and bias, over the frames of a piece. A thread is a column of a piece.
template <class S, class T>
__global__ void head_norm_columns_kernel(const S* dy, const S* x, const T* slopes, const T* moments, T* sums, Sizes s,
                                         int64_t count) {
  const int width = s.heads * s.vector();
  SUNDER_GRID_STRIDE(i, count) {
    const int64_t piece = i / width;
    const int column = static_cast<int>(i - piece * width), head = column / s.vector(), k = column - head * s.vector();
    const T slope = slopes[head];
    T gain_sum = 0, bias_sum = 0;
    const int64_t end = (piece + 1) * frames_per_piece < s.frames ? (piece + 1) * frames_per_piece : s.frames;
    for (int64_t frame = piece * frames_per_piece; frame < end; ++frame) {
      const T g = dy[s.y_at(frame, head) + k];
      const T* m = moments + 2 * (frame * s.heads + head);
      gain_sum += g * (rectified<T>(x[s.x_at(frame, head, k)], slope) - m[0]) * m[1];
      bias_sum += g;
    }
    sums[(piece * 2) * width + column] = gain_sum;
    sums[(piece * 2 + 1) * width + column] = bias_sum;
  }
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::head_norm_forward(const Tensor& x, const Tensor& slope, const Tensor& gain, const Tensor& bias, double eps,
                             HeadNormResult& result) {
  if (x.numel() == 0) return;
  const Sizes s(x, slope);
  visit_stored("head_norm", x.dtype(), [&]<class S>() {
    using T = compute_type<S>;
    launch(head_norm_forward_kernel<S, T>, grid_for(s.frames * s.heads * block_size), dim3(block_size), 0, x.stream(),
           x.data<S>(), slope.data<T>(), gain.data<T>(), bias.data<T>(), static_cast<T>(eps),
           result.y.mutable_data<S>(), result.moments.mutable_data<T>(), s);
  });
}

void cuda::head_norm_backward(const Tensor& grad_y, const Tensor& x, const Tensor& slope, const Tensor& gain,
                              const Tensor& moments, HeadNormGrads& grads) {
  if (x.numel() == 0) {
    for (const Tensor* grad : {&grads.slope, &grads.gain, &grads.bias}) grad->zero();
    return;
  }
  const Sizes s(x, slope);
  const int64_t pieces = ceil_div(s.frames, frames_per_piece), width = gain.numel();
  const Tensor slope_sums = Tensor::empty({s.frames, slope.size(0)}, slope.dtype(), x.stream());
  const Tensor sums = Tensor::empty({pieces, 2, width}, slope.dtype(), x.stream());
  const Tensor both = Tensor::empty({2, width}, slope.dtype(), x.stream());
  visit_stored("head_norm", x.dtype(), [&]<class S>() {
    using T = compute_type<S>;
    launch(head_norm_backward_kernel<S, T>, grid_for(s.frames * s.heads * block_size), dim3(block_size), 0, x.stream(),
           grad_y.data<S>(), x.data<S>(), slope.data<T>(), gain.data<T>(), moments.data<T>(), grads.x.mutable_data<S>(),
           slope_sums.mutable_data<T>(), s);
    launch(head_norm_columns_kernel<S, T>, grid_for(pieces * width), dim3(block_size), 0, x.stream(), grad_y.data<S>(),
           x.data<S>(), slope.data<T>(), moments.data<T>(), sums.mutable_data<T>(), s, pieces * width);
    sum_over(sums.data<T>(), 1, pieces, 2 * width, both.mutable_data<T>(), x.stream());
    sum_over(slope_sums.data<T>(), 1, s.frames, slope.size(0), grads.slope.mutable_data<T>(), x.stream());
  });
  grads.gain = both.slice(0, 1).reshape(gain.shape());
  grads.bias = both.slice(1, 2).reshape(gain.shape());
}

}  // namespace sunder
