// The CUDA depthwise convolution of three taps over n = norm(PReLU(x + offset)), shared by prelu_norm_depthwise and
// conv_block.
#pragma once

#include "tensor/ops/global_norm.cuh"

namespace sunder::cuda {

// y = depthwise_conv1d(n). With `next`, a norm over PReLU(y) that has no sums yet, the same pass writes into `scaled`
// what norm_sums would, and the sums that it would return are returned; keep them until their kernel is queued.
template <class S>
Tensor three_taps_forward(const Norm<S>& norm, const compute_type<S>* taps, const compute_type<S>* bias,
                          int64_t dilation, S* y, Stream stream, const Norm<S>* next = nullptr, S* scaled = nullptr);

// dn, and the sums behind the gradients of the norm, the bias and the taps.
template <class S>
NormPartials three_taps_backward(const Norm<S>& norm, const compute_type<S>* taps, const S* dy, int64_t dilation, S* dn,
                                 Stream stream);

}  // namespace sunder::cuda
