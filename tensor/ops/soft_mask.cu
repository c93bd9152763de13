#include "tensor/ops/soft_mask.h"

#include "tensor/cuda/kernel.cuh"
#include "tensor/ops/pointwise_functors.h"

// A block takes four frames with 64 threads each. A thread handles one bin at a time with all its sources, in two or
// three passes: the later ones find the logits in the cache, and any number of sources needs no memory of its own.
// Complex numbers are one access. Floor: forward reads logits and spectrum and writes the estimates; backward reads all
// three and writes dlogits.
namespace sunder::cuda {
namespace {

constexpr int frames_per_block = 4, threads_per_frame = 64;

// The sizes of a call. Sources are side by side in a frame of the logits, but T frames apart in the estimates.
struct Sizes {
  int64_t rows, frames, sources, bins;

  __device__ int64_t estimate(int64_t row) const {
    const int64_t item = row / frames;
    return (item * sources * frames + row - item * frames) * bins;
  }
};

template <class S, class T = compute_type<S>>
__device__ __forceinline__ T sigmoid(S x) {
  return SigmoidOp{}.value(static_cast<T>(x));
}

// 1 / (sum over sources of m + eps) at one bin.
template <class S, class T = compute_type<S>>
__device__ __forceinline__ T inverse_sum(const S* logits, const Sizes& sizes) {
  T sum = T(soft_mask_eps);
  for (int64_t s = 0; s < sizes.sources; ++s) sum += sigmoid(logits[s * sizes.bins]);
  return T(1) / sum;
}

template <class S, class T = compute_type<S>>
__global__ void soft_mask_forward_kernel(const S* logits, const T* spectrum, Sizes sizes, T* estimates) {
  const int64_t row = static_cast<int64_t>(blockIdx.x) * frames_per_block + threadIdx.y;
  if (row >= sizes.rows) return;
  const int64_t step = sizes.frames * sizes.bins, first = sizes.estimate(row);
  for (int64_t f = threadIdx.x; f < sizes.bins; f += threads_per_frame) {
    const S* logit = logits + row * sizes.sources * sizes.bins + f;
    const auto x = load<2>(spectrum + 2 * (row * sizes.bins + f));
    const T inverse = inverse_sum(logit, sizes);
    for (int64_t s = 0; s < sizes.sources; ++s) {
      const T share = sigmoid(logit[s * sizes.bins]) * inverse;
      store<2>(estimates + 2 * (first + s * step + f), Pack<T, 2>{share * x.at[0], share * x.at[1]});
    }
  }
}

// dshare_s = Re(conj(dy_s) x), dm_s = (dshare_s - sum over sources of dshare share) / (sum m + eps),
// dlogit_s = m_s (1 - m_s) dm_s.
template <class S, class T = compute_type<S>>
__global__ void soft_mask_backward_kernel(const T* grad_estimates, const S* logits, const T* spectrum, Sizes sizes,
                                          S* grad_logits) {
  const int64_t row = static_cast<int64_t>(blockIdx.x) * frames_per_block + threadIdx.y;
  if (row >= sizes.rows) return;
  const int64_t step = sizes.frames * sizes.bins, first = sizes.estimate(row);
  for (int64_t f = threadIdx.x; f < sizes.bins; f += threads_per_frame) {
    const int64_t at = row * sizes.sources * sizes.bins + f;
    const auto x = load<2>(spectrum + 2 * (row * sizes.bins + f));
    const T inverse = inverse_sum(logits + at, sizes);
    const auto grad_share = [&](int64_t s) {
      const auto dy = load<2>(grad_estimates + 2 * (first + s * step + f));
      return dy.at[0] * x.at[0] + dy.at[1] * x.at[1];
    };
    T mean = 0;
    for (int64_t s = 0; s < sizes.sources; ++s)
      mean += grad_share(s) * (sigmoid(logits[at + s * sizes.bins]) * inverse);
    for (int64_t s = 0; s < sizes.sources; ++s) {
      const T m = sigmoid(logits[at + s * sizes.bins]);
      grad_logits[at + s * sizes.bins] = S((grad_share(s) - mean) * inverse * SigmoidOp{}.derivative(m));
    }
  }
}

// estimates: (B, S, T, F)
Sizes sizes_of(const Tensor& estimates) {
  return {estimates.size(0) * estimates.size(2), estimates.size(2), estimates.size(1), estimates.size(3)};
}

template <class T>
T* parts(const Tensor& z) {
  return reinterpret_cast<T*>(z.raw());
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::soft_mask_forward(const Tensor& logits, const Tensor& spectrum, Tensor& estimates) {
  const Sizes sizes = sizes_of(estimates);
  if (estimates.numel() == 0) return;
  visit_stored("soft_mask", logits.dtype(), [&]<class S>() {
    using T = compute_type<S>;
    launch(soft_mask_forward_kernel<S>, dim3(blocks_for(sizes.rows, frames_per_block)),
           dim3(threads_per_frame, frames_per_block), 0, logits.stream(), logits.data<S>(), parts<T>(spectrum), sizes,
           parts<T>(estimates));
  });
}

void cuda::soft_mask_backward(const Tensor& grad_estimates, const Tensor& logits, const Tensor& spectrum,
                              Tensor& grad_logits) {
  const Sizes sizes = sizes_of(grad_estimates);
  if (grad_estimates.numel() == 0) return;
  visit_stored("soft_mask", logits.dtype(), [&]<class S>() {
    using T = compute_type<S>;
    launch(soft_mask_backward_kernel<S>, dim3(blocks_for(sizes.rows, frames_per_block)),
           dim3(threads_per_frame, frames_per_block), 0, logits.stream(), parts<T>(grad_estimates), logits.data<S>(),
           parts<T>(spectrum), sizes, grad_logits.mutable_data<S>());
  });
}

}  // namespace sunder
