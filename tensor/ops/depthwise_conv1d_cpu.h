// The CPU depthwise convolution over n = scale[c] * PReLU(x) + shift[c], which is computed while x is read and never
// stored. depthwise_conv1d itself has scale 1, shift 0, slope 1; prelu_norm_depthwise has a norm's.
#pragma once

#include <vector>

#include "tensor/tensor.h"

namespace sunder::cpu {

template <class T>
struct Depthwise {
  int64_t frames, channels, kernel, dilation;
  std::vector<T> taps;  // (K, C): the weight with channels last
  const T* bias = nullptr;

  Depthwise(const Tensor& x, const Tensor& weight, int64_t dilation);
  int64_t offset(int64_t tap) const { return (tap - (kernel - 1) / 2) * dilation; }

  // y rows [begin, end) of one item; x and y point at the item.
  void forward(const T* x, T slope, const T* scale, const T* shift, T* y, int64_t begin, int64_t end) const;
  // dn rows [begin, end) of one item, and into sums (K + 1, C) what these rows add to the gradients of taps and bias.
  void backward(const T* dy, const T* x, T slope, const T* scale, const T* shift, T* dn, T* sums, int64_t begin,
                int64_t end) const;
  // Adds up the chunks' sums (chunks, K + 1, C) into grad_weight (C, 1, K) and grad_bias (C).
  void finish(const std::vector<T>& sums, T* grad_weight, T* grad_bias) const;
};

}  // namespace sunder::cpu
