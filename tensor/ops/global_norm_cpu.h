// The CPU parts of a global layer norm over PReLU(x), shared by global_norm (no PReLU: slope 1) and the fused ops
// prelu_norm_depthwise and prelu_norm_linear. Work is split into chunks of rows that never cross an item.
#pragma once

#include <algorithm>
#include <vector>

#include "tensor/parallel.h"
#include "tensor/simd.h"
#include "tensor/tensor.h"

namespace sunder::cpu {

// PReLU with one slope; slope 1 is the identity.
template <class T>
SUNDER_INLINE T activate(T x, T slope) {
  return x > 0 ? x : slope * x;
}

// Calls task(item, chunk, begin, end) for rows [begin, end) of each item; chunk counts over all items.
constexpr int64_t rows_per_chunk = 64;
inline int64_t chunks_per_item(int64_t frames) { return (frames + rows_per_chunk - 1) / rows_per_chunk; }
template <class Task>
void for_chunks(int64_t items, int64_t frames, const Task& task) {
  const int64_t chunks = chunks_per_item(frames);
  parallel_for(items * chunks, 1, [&](int64_t chunk, int64_t) {
    const int64_t begin = chunk % chunks * rows_per_chunk;
    task(chunk / chunks, chunk, begin, std::min(frames, begin + rows_per_chunk));
  });
}

// moments (B, 2) = mean and 1 / sqrt(variance + eps) of PReLU(x) per item of x (B, T, C).
template <class T>
void norm_moments(const T* x, T slope, int64_t items, int64_t frames, int64_t channels, double eps, T* moments);

// The norm of an item as y = scale[c] * PReLU(x) + shift[c].
template <class T>
struct NormAffine {
  std::vector<T> scale, shift;
  NormAffine(const T* gain, const T* bias, const T* moments, int64_t channels) : scale(channels), shift(channels) {
    for (int64_t c = 0; c < channels; ++c) {
      scale[c] = gain[c] * moments[1];
      shift[c] = bias[c] - gain[c] * moments[1] * moments[0];
    }
  }
};

// y = scale * PReLU(x) + shift over rows.
template <class T>
void norm_apply_rows(const T* x, T slope, const T* scale, const T* shift, T* y, int64_t rows, int64_t channels);

// All gradients from dn, the gradient of the norm's output, (B, T, C):
//   grad_x (may be null, may be dn itself), grad_slope (null if there is no PReLU), grad_gain, grad_bias.
template <class T>
void norm_backward(const T* dn, const T* x, T slope, const T* gain, const T* moments, int64_t items, int64_t frames,
                   int64_t channels, T* grad_x, T* grad_slope, T* grad_gain, T* grad_bias);

}  // namespace sunder::cpu
