#include "tensor/cuda/kernel.cuh"
#include "tensor/ops/prelu.h"

namespace sunder {
namespace {

template <class S, class T = compute_type<S>>
__global__ void prelu_forward_kernel(const S* x, const T* slope, int64_t slopes, S* y, int64_t count,
                                     int64_t channels) {
  SUNDER_GRID_STRIDE(i, count) {
    const T a = slope[slopes == 1 ? 0 : i % channels], value = x[i];
    y[i] = S(value > 0 ? value : a * value);
  }
}

// A block walks `rows_per_block` rows, a thread one channel at a time; partial: (blocks, C) of the slopes' gradients.
constexpr int64_t rows_per_block = 64;

template <class S, class T = compute_type<S>>
__global__ void prelu_backward_kernel(const S* dy, const S* x, const T* slope, int64_t slopes, S* dx, double* partial,
                                      int64_t rows, int64_t channels) {
  const int64_t begin = blockIdx.x * rows_per_block;
  const int64_t end = begin + rows_per_block < rows ? begin + rows_per_block : rows;
  for (int64_t c = threadIdx.x; c < channels; c += blockDim.x) {
    const T a = slope[slopes == 1 ? 0 : c];
    double sum = 0;
    for (int64_t row = begin; row < end; ++row) {
      const int64_t i = row * channels + c;
      const T value = x[i], grad = dy[i];
      dx[i] = S(value > 0 ? grad : a * grad);
      sum += value > 0 ? T(0) : grad * value;
    }
    partial[blockIdx.x * channels + c] = sum;
  }
}

// One block per slope adds up its column of `partial`, or all of it where there is one slope.
template <class T>
__global__ void prelu_slope_kernel(const double* partial, int64_t blocks, int64_t channels, int64_t slopes,
                                   T* grad_slope) {
  SUNDER_SHARED(double[cuda::block_size / 32], sums);
  double sum = 0;
  const int64_t count = slopes == 1 ? blocks * channels : blocks;
  for (int64_t i = threadIdx.x; i < count; i += blockDim.x)
    sum += partial[slopes == 1 ? i : i * channels + blockIdx.x];
  sum = cuda::block_sum<cuda::block_size>(sum, sums);
  if (threadIdx.x == 0) grad_slope[blockIdx.x] = static_cast<T>(sum);
}

}  // namespace

void cuda::prelu_forward(const Tensor& x, const Tensor& slope, Tensor& y) {
  if (x.numel() == 0) return;
  visit_stored("prelu", x.dtype(), [&]<class S>() {
    launch(prelu_forward_kernel<S>, grid_for(x.numel()), dim3(block_size), 0, native(x), x.data<S>(),
           slope.data<compute_type<S>>(), slope.numel(), y.mutable_data<S>(), x.numel(), x.size(-1));
  });
}

void cuda::prelu_backward(const Tensor& grad_y, const Tensor& x, const Tensor& slope, Tensor& grad_x,
                          Tensor& grad_slope) {
  const int64_t channels = x.size(-1), rows = channels > 0 ? x.numel() / channels : 0;
  if (rows == 0) return grad_slope.zero();
  const int64_t blocks = (rows + rows_per_block - 1) / rows_per_block;
  const Tensor partial = Tensor::empty({blocks, channels}, DType::float64, x.stream());
  visit_stored("prelu", x.dtype(), [&]<class S>() {
    using T = compute_type<S>;
    launch(prelu_backward_kernel<S>, dim3(static_cast<unsigned>(blocks)), dim3(block_size), 0, native(x),
           grad_y.data<S>(), x.data<S>(), slope.data<T>(), slope.numel(), grad_x.mutable_data<S>(),
           partial.mutable_data<double>(), rows, channels);
    launch(prelu_slope_kernel<T>, dim3(static_cast<unsigned>(slope.numel())), dim3(block_size), 0, native(x),
           partial.data<double>(), blocks, channels, slope.numel(), grad_slope.mutable_data<T>());
  });
}

}  // namespace sunder
