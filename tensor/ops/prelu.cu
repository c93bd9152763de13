#include "tensor/cuda/last_block.cuh"
#include "tensor/ops/prelu.h"

namespace sunder::cuda {
namespace {

template <class S, class T = compute_type<S>>
__global__ void prelu_forward_kernel(const S* x, const T* slope, int64_t slopes, S* y, int64_t count,
                                     int64_t channels) {
  SUNDER_GRID_STRIDE(i, count) {
    const T a = slope[slopes == 1 ? 0 : i % channels], value = x[i];
    y[i] = S(value > 0 ? value : a * value);
  }
}

// A block takes `rows_per_block` rows, a thread one channel at a time; partial: (blocks, slopes), the partial gradients
// of the slopes, which the last block sums.
constexpr int64_t rows_per_block = 64;

template <class S, class T = compute_type<S>>
__global__ void prelu_backward_kernel(const S* dy, const S* x, const T* slope, int64_t slopes, S* dx, double* partial,
                                      unsigned* counter, T* grad_slope, int64_t rows, int64_t channels) {
  SUNDER_SHARED(double[block_size / 32], shared);
  const int64_t begin = blockIdx.x * rows_per_block;
  const int64_t end = begin + rows_per_block < rows ? begin + rows_per_block : rows;
  double total = 0;  // of all channels
  for (int64_t c = threadIdx.x; c < channels; c += blockDim.x) {
    const T a = slope[slopes == 1 ? 0 : c];
    double sum = 0;
    for (int64_t row = begin; row < end; ++row) {
      const int64_t i = row * channels + c;
      const T value = x[i], grad = dy[i];
      dx[i] = S(value > 0 ? grad : a * grad);
      sum += value > 0 ? T(0) : grad * value;
    }
    total += sum;
    if (slopes > 1) partial[blockIdx.x * slopes + c] = sum;
  }
  if (slopes == 1) {
    total = block_sum<block_size>(total, shared);
    if (threadIdx.x == 0) partial[blockIdx.x] = total;
  }
  if (!is_last_block(counter, gridDim.x)) return;
  if (slopes == 1) {
    total = 0;
    for (int64_t i = threadIdx.x; i < gridDim.x; i += blockDim.x) total += read_again(partial + i);
    total = block_sum<block_size>(total, shared);
    if (threadIdx.x == 0) grad_slope[0] = static_cast<T>(total);
    return;
  }
  for (int64_t c = threadIdx.x; c < slopes; c += blockDim.x) {
    total = 0;
    for (int64_t i = 0; i < gridDim.x; ++i) total += read_again(partial + i * slopes + c);
    grad_slope[c] = static_cast<T>(total);
  }
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::prelu_forward(const Tensor& x, const Tensor& slope, Tensor& y) {
  if (x.numel() == 0) return;
  visit_stored("prelu", x.dtype(), [&]<class S>() {
    launch(prelu_forward_kernel<S>, grid_for(x.numel()), dim3(block_size), 0, x.stream(), x.data<S>(),
           slope.data<compute_type<S>>(), slope.numel(), y.mutable_data<S>(), x.numel(), x.size(-1));
  });
}

void cuda::prelu_backward(const Tensor& grad_y, const Tensor& x, const Tensor& slope, Tensor& grad_x,
                          Tensor& grad_slope) {
  const int64_t channels = x.size(-1), rows = channels > 0 ? x.numel() / channels : 0;
  if (rows == 0) return grad_slope.zero();
  const int64_t blocks = (rows + rows_per_block - 1) / rows_per_block;
  const Tensor partial = Tensor::empty({blocks, slope.numel()}, DType::float64, x.stream());
  visit_stored("prelu", x.dtype(), [&]<class S>() {
    using T = compute_type<S>;
    launch(prelu_backward_kernel<S>, dim3(static_cast<unsigned>(blocks)), dim3(block_size), 0, x.stream(),
           grad_y.data<S>(), x.data<S>(), slope.data<T>(), slope.numel(), grad_x.mutable_data<S>(),
           partial.mutable_data<double>(), counters(x.stream()), grad_slope.mutable_data<T>(), rows, channels);
  });
}

}  // namespace sunder
