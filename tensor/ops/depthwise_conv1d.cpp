#include "tensor/ops/depthwise_conv1d.h"

#include <algorithm>

#include "tensor/ops/depthwise_conv1d_cpu.h"
#include "tensor/ops/global_norm_cpu.h"

namespace sunder {
namespace cpu {
namespace {

// The usual row, all three taps inside: one pass. y = b + sum_k w_k (scale a_k + shift).
template <class T>
SUNDER_SIMD void three_taps(const T* x0, const T* x1, const T* x2, T slope, const T* scale, const T* shift, const T* taps,
                            const T* bias, T* y, int64_t channels) {
  const T *w0 = taps, *w1 = taps + channels, *w2 = taps + 2 * channels;
#pragma omp simd
  for (int64_t c = 0; c < channels; ++c) {
    const T n0 = scale[c] * activate(x0[c], slope) + shift[c];
    const T n1 = scale[c] * activate(x1[c], slope) + shift[c];
    const T n2 = scale[c] * activate(x2[c], slope) + shift[c];
    y[c] = bias[c] + w0[c] * n0 + w1[c] * n1 + w2[c] * n2;
  }
}

template <class T>
SUNDER_SIMD void add_tap(const T* x, T slope, const T* scale, const T* shift, const T* tap, T* y, int64_t channels) {
#pragma omp simd
  for (int64_t c = 0; c < channels; ++c) y[c] += tap[c] * (scale[c] * activate(x[c], slope) + shift[c]);
}

template <class T>
SUNDER_SIMD void multiply_add(const T* a, const T* b, T* sum, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) sum[i] += a[i] * b[i];
}

template <class T>
SUNDER_SIMD void add_tap_gradient(const T* dy, const T* x, T slope, const T* scale, const T* shift, T* sum,
                                  int64_t channels) {
#pragma omp simd
  for (int64_t c = 0; c < channels; ++c) sum[c] += dy[c] * (scale[c] * activate(x[c], slope) + shift[c]);
}

template <class T>
SUNDER_SIMD void add(const T* x, T* sum, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) sum[i] += x[i];
}

}  // namespace

template <class T>
Depthwise<T>::Depthwise(const Tensor& x, const Tensor& weight, int64_t dilation_)
    : frames(x.size(1)), channels(x.size(2)), kernel(weight.size(2)), dilation(dilation_), taps(kernel * channels) {
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t k = 0; k < kernel; ++k) taps[k * channels + c] = weight.data<T>()[c * kernel + k];
}

template <class T>
void Depthwise<T>::forward(const T* x, T slope, const T* scale, const T* shift, T* y, int64_t begin, int64_t end) const {
  const auto inside = [&](int64_t t) { return t >= 0 && t < frames; };
  for (int64_t t = begin; t < end; ++t) {
    T* out = y + t * channels;
    if (kernel == 3 && inside(t - dilation) && inside(t + dilation)) {
      three_taps(x + (t - dilation) * channels, x + t * channels, x + (t + dilation) * channels, slope, scale, shift,
                 taps.data(), bias, out, channels);
      continue;
    }
    std::copy_n(bias, channels, out);
    for (int64_t k = 0; k < kernel; ++k)
      if (const int64_t from = t + offset(k); inside(from))
        add_tap(x + from * channels, slope, scale, shift, taps.data() + k * channels, out, channels);
  }
}

template <class T>
void Depthwise<T>::backward(const T* dy, const T* x, T slope, const T* scale, const T* shift, T* dn, T* sums,
                            int64_t begin, int64_t end) const {
  for (int64_t t = begin; t < end; ++t) {
    T* out = dn + t * channels;
    std::fill_n(out, channels, T(0));
    add(dy + t * channels, sums + kernel * channels, channels);
    for (int64_t k = 0; k < kernel; ++k) {
      if (const int64_t from = t - offset(k); from >= 0 && from < frames)
        multiply_add(dy + from * channels, taps.data() + k * channels, out, channels);
      if (const int64_t from = t + offset(k); from >= 0 && from < frames)
        add_tap_gradient(dy + t * channels, x + from * channels, slope, scale, shift, sums + k * channels, channels);
    }
  }
}

template <class T>
void Depthwise<T>::finish(const std::vector<T>& sums, T* grad_weight, T* grad_bias) const {
  const int64_t row = (kernel + 1) * channels;
  std::vector<double> total(row, 0.0);
  for (size_t at = 0; at < sums.size(); at += row)
    for (int64_t i = 0; i < row; ++i) total[i] += sums[at + i];
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t k = 0; k < kernel; ++k) grad_weight[c * kernel + k] = static_cast<T>(total[k * channels + c]);
    grad_bias[c] = static_cast<T>(total[kernel * channels + c]);
  }
}

template struct Depthwise<float>;
template struct Depthwise<double>;

void depthwise_conv1d_forward(const Tensor& x, const Tensor& weight, const Tensor& bias, int64_t dilation, Tensor& y) {
  visit_real("depthwise_conv1d", x.dtype(), [&]<class T>() {
    Depthwise<T> conv(x, weight, dilation);
    conv.bias = bias.data<T>();
    const std::vector<T> one(conv.channels, T(1)), zero(conv.channels, T(0));
    for_chunks(x.size(0), conv.frames, [&](int64_t item, int64_t, int64_t begin, int64_t end) {
      const int64_t at = item * conv.frames * conv.channels;
      conv.forward(x.data<T>() + at, T(1), one.data(), zero.data(), y.mutable_data<T>() + at, begin, end);
    });
  });
}

void depthwise_conv1d_backward(const Tensor& grad_y, const Tensor& x, const Tensor& weight, int64_t dilation,
                               DepthwiseConv1dGrads& grads) {
  visit_real("depthwise_conv1d", x.dtype(), [&]<class T>() {
    const Depthwise<T> conv(x, weight, dilation);
    const std::vector<T> one(conv.channels, T(1)), zero(conv.channels, T(0));
    const int64_t row = (conv.kernel + 1) * conv.channels;
    std::vector<T> sums(x.size(0) * chunks_per_item(conv.frames) * row, T(0));
    for_chunks(x.size(0), conv.frames, [&](int64_t item, int64_t chunk, int64_t begin, int64_t end) {
      const int64_t at = item * conv.frames * conv.channels;
      conv.backward(grad_y.data<T>() + at, x.data<T>() + at, T(1), one.data(), zero.data(),
                    grads.x.mutable_data<T>() + at, &sums[chunk * row], begin, end);
    });
    conv.finish(sums, grads.weight.mutable_data<T>(), grads.bias.mutable_data<T>());
  });
}

}  // namespace cpu

void check_depthwise(const char* op, const Tensor& x, const Tensor& weight, const Tensor& bias, int64_t dilation) {
  check_parameters(op, x, {&weight, &bias});
  check_dim(op, "x", x, 3);
  check_shape(op, "weight", weight, {x.size(2), 1, -1});
  check_shape(op, "bias", bias, {x.size(2)});
  if (weight.size(2) % 2 == 0) throw_error("[{}] expected a kernel of odd length, got {}", op, weight.size(2));
  if (dilation < 1) throw_error("[{}] expected a dilation of at least 1, got {}", op, dilation);
}

Tensor depthwise_conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias, int64_t dilation) {
  check_depthwise("depthwise_conv1d", x, weight, bias, dilation);
  Tensor y = Tensor::empty_like(x);
  SUNDER_DISPATCH(depthwise_conv1d_forward, x.device())(x, weight, bias, dilation, y);
  return y;
}

DepthwiseConv1dGrads depthwise_conv1d_backward(const Tensor& grad_y, const Tensor& x, const Tensor& weight,
                                               int64_t dilation) {
  check_alike("depthwise_conv1d_backward", {&grad_y, &x});
  check_parameters("depthwise_conv1d_backward", x, {&weight});
  check_shape("depthwise_conv1d_backward", "grad_y", grad_y, x.shape());
  DepthwiseConv1dGrads grads{Tensor::empty_like(x), Tensor::empty_like(weight),
                             Tensor::empty({x.size(2)}, weight.dtype(), x.stream())};
  SUNDER_DISPATCH(depthwise_conv1d_backward, x.device())(grad_y, x, weight, dilation, grads);
  return grads;
}

}  // namespace sunder
