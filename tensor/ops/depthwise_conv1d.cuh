// The CUDA depthwise convolution over n = norm(PReLU(x)), which is computed while x is read and never stored, for any
// number of taps. Shared with prelu_norm_depthwise, which has kernels of its own for three.
#pragma once

#include "tensor/ops/global_norm.cuh"

namespace sunder::cuda {

// y[t, c] = bias[c] + sum over k of taps[c, k] n[t + (k - (K - 1) / 2) step, c], n zero outside the item. A negative
// step gives the adjoint. taps: (C, 1, K); bias may be null.
template <class S>
void depthwise(const Norm<S>& input, const compute_type<S>* taps, const compute_type<S>* bias, int64_t kernel,
               int64_t step, S* y, Stream stream);

// Partial sums of the gradients of bias and taps, K + 1 kinds, into `columns` (items * tile_chunks(frames), kinds, C)
// from kind `first` on.
template <class S>
void depthwise_sums(const Norm<S>& input, const S* dy, int64_t kernel, int64_t dilation, const Tensor& columns,
                    int64_t first);

}  // namespace sunder::cuda
