#include "tensor/ops/residual_skip.h"

#include "tensor/cuda/kernel.cuh"

// A thread has a pack of `both`, which lies in one of the two paths. Floor: forward x, skip, both and the two sums;
// backward the two gradients and `both`, each once.
namespace sunder::cuda {
namespace {

template <int width, class T>
__global__ void residual_skip_forward_kernel(const T* x, const T* skip, const T* both, T* next, T* skip_sum,
                                             int64_t count, int64_t channels, int64_t skips) {
  SUNDER_GRID_STRIDE_PACKS(i, count, width) {
    const int64_t row = i / (channels + skips), c = i - row * (channels + skips);
    const bool residual = c < channels;
    const int64_t at = residual ? row * channels + c : row * skips + c - channels;
    const T* before = residual ? x : skip;
    auto values = widen(load<width>(both + i));
    if (before) {
      const auto added = widen(load<width>(before + at));
      for (int k = 0; k < width; ++k) values.at[k] += added.at[k];
    }
    store<width>((residual ? next : skip_sum) + at, values);
  }
}

template <int width, class T>
__global__ void residual_skip_backward_kernel(const T* grad_next, const T* grad_skip_sum, T* grad_both, int64_t count,
                                              int64_t channels, int64_t skips) {
  SUNDER_GRID_STRIDE_PACKS(i, count, width) {
    const int64_t row = i / (channels + skips), c = i - row * (channels + skips);
    const bool residual = c < channels;
    const int64_t at = residual ? row * channels + c : row * skips + c - channels;
    const T* from = residual ? grad_next : grad_skip_sum;
    Pack<T, width> values{};
    if (from) values = load<width>(from + at);
    store(grad_both + i, values);
  }
}

template <class T>
const T* data_or_null(const Tensor& tensor) {
  return tensor.defined() ? tensor.data<T>() : nullptr;
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::residual_skip_forward(const Tensor& x, const Tensor& skip, const Tensor& both, ResidualSkip& result) {
  const int64_t channels = x.size(-1), skips = both.size(-1) - channels;
  if (both.numel() == 0) return;
  visit_stored("residual_skip", x.dtype(), [&]<class T>() {
    const T* before = data_or_null<T>(skip);
    T *next = result.next.mutable_data<T>(), *sum = result.skip_sum.mutable_data<T>();
    // channels | skips: a multiple of a power of two where both are.
    with_pack_width<T>(channels | skips, {x.raw(), before, both.raw(), next, sum}, [&]<int width>() {
      launch(residual_skip_forward_kernel<width, T>, grid_for(both.numel() / width), dim3(block_size), 0, x.stream(),
             x.data<T>(), before, both.data<T>(), next, sum, both.numel(), channels, skips);
    });
  });
}

void cuda::residual_skip_backward(const Tensor& grad_next, const Tensor& grad_skip_sum, Tensor& grad_both,
                                  int64_t channels) {
  const int64_t count = grad_both.numel(), skips = grad_both.size(-1) - channels;
  if (count == 0) return;
  visit_stored("residual_skip", grad_both.dtype(), [&]<class T>() {
    const T *next = data_or_null<T>(grad_next), *sum = data_or_null<T>(grad_skip_sum);
    with_pack_width<T>(channels | skips, {next, sum, grad_both.raw()}, [&]<int width>() {
      launch(residual_skip_backward_kernel<width, T>, grid_for(count / width), dim3(block_size), 0, grad_both.stream(),
             next, sum, grad_both.mutable_data<T>(), count, channels, skips);
    });
  });
}

}  // namespace sunder
