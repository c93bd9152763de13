#include "tensor/ops/layer_norm.h"

#include <cmath>

#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace sunder {
namespace {

constexpr int64_t rows_per_chunk = 64;

template <class T>
SUNDER_SIMD void layer_norm_rows(const T* x, const T* gain, const T* bias, T eps, T* y, T* means, T* rstds,
                                 int64_t rows, int64_t channels) {
  for (int64_t row = 0; row < rows; ++row, x += channels, y += channels) {
    T total = 0, squares = 0;
#pragma omp simd reduction(+ : total)
    for (int64_t c = 0; c < channels; ++c) total += x[c];
    const T mean = total / static_cast<T>(channels);
#pragma omp simd reduction(+ : squares)
    for (int64_t c = 0; c < channels; ++c) squares += (x[c] - mean) * (x[c] - mean);
    const T rstd = T(1) / std::sqrt(squares / static_cast<T>(channels) + eps);
#pragma omp simd
    for (int64_t c = 0; c < channels; ++c) y[c] = (x[c] - mean) * rstd * gain[c] + bias[c];
    means[row] = mean;
    rstds[row] = rstd;
  }
}

// grad_gain, grad_bias: (C) sums over these rows.
template <class T>
SUNDER_SIMD void layer_norm_backward_rows(const T* dy, const T* x, const T* gain, const T* means, const T* rstds, T* dx,
                                          T* grad_gain, T* grad_bias, int64_t rows, int64_t channels) {
  for (int64_t row = 0; row < rows; ++row, dy += channels, x += channels, dx += channels) {
    const T mean = means[row], rstd = rstds[row];
    T sum_g = 0, sum_gx = 0;
#pragma omp simd reduction(+ : sum_g, sum_gx)
    for (int64_t c = 0; c < channels; ++c) {
      const T normed = (x[c] - mean) * rstd, g = dy[c] * gain[c];
      sum_g += g;
      sum_gx += g * normed;
      grad_gain[c] += dy[c] * normed;
      grad_bias[c] += dy[c];
    }
    const T mean_g = sum_g / static_cast<T>(channels), mean_gx = sum_gx / static_cast<T>(channels);
#pragma omp simd
    for (int64_t c = 0; c < channels; ++c) dx[c] = rstd * (dy[c] * gain[c] - mean_g - (x[c] - mean) * rstd * mean_gx);
  }
}

}  // namespace

void cpu::layer_norm_forward(const Tensor& x, const Tensor& gain, const Tensor& bias, double eps,
                             LayerNormResult& result) {
  const int64_t channels = x.size(-1), rows = x.numel() / channels;
  visit_real("layer_norm", x.dtype(), [&]<class T>() {
    parallel_for(rows, rows_per_chunk, [&](int64_t begin, int64_t end) {
      layer_norm_rows(x.data<T>() + begin * channels, gain.data<T>(), bias.data<T>(), static_cast<T>(eps),
                      result.y.mutable_data<T>() + begin * channels, result.mean.mutable_data<T>() + begin,
                      result.rstd.mutable_data<T>() + begin, end - begin, channels);
    });
  });
}

void cpu::layer_norm_backward(const Tensor& grad_y, const Tensor& x, const Tensor& gain, const Tensor& mean,
                              const Tensor& rstd, LayerNormGrads& grads) {
  const int64_t channels = x.size(-1), rows = x.numel() / channels;
  const int64_t chunks = (rows + rows_per_chunk - 1) / rows_per_chunk;
  visit_real("layer_norm", x.dtype(), [&]<class T>() {
    std::vector<T> partial(2 * chunks * channels);  // a row for the gain and one for the bias, for every chunk
    parallel_for(rows, rows_per_chunk, [&](int64_t begin, int64_t end) {
      T* sums = partial.data() + begin / rows_per_chunk * 2 * channels;
      layer_norm_backward_rows(grad_y.data<T>() + begin * channels, x.data<T>() + begin * channels, gain.data<T>(),
                               mean.data<T>() + begin, rstd.data<T>() + begin,
                               grads.x.mutable_data<T>() + begin * channels, sums, sums + channels, end - begin,
                               channels);
    });
    std::vector<double> total(2 * channels);
    for (int64_t chunk = 0; chunk < chunks; ++chunk)
      for (int64_t c = 0; c < 2 * channels; ++c) total[c] += partial[chunk * 2 * channels + c];
    for (int64_t c = 0; c < channels; ++c) {
      grads.gain.mutable_data<T>()[c] = static_cast<T>(total[c]);
      grads.bias.mutable_data<T>()[c] = static_cast<T>(total[channels + c]);
    }
  });
}

namespace {

void check(const Tensor& x, const Tensor& gain) {
  check_alike("layer_norm", {&x, &gain});
  if (x.dim() < 1 || x.size(-1) < 1) throw_error("[layer_norm] expected x of shape (..., C), got {}", describe(x));
  check_shape("layer_norm", "gain", gain, {x.size(-1)});
}

}  // namespace

LayerNormResult layer_norm(const Tensor& x, const Tensor& gain, const Tensor& bias, double eps) {
  check(x, gain);
  check_alike("layer_norm", {&x, &bias});
  check_shape("layer_norm", "bias", bias, {x.size(-1)});
  const Shape rows(x.shape().begin(), x.shape().end() - 1);
  LayerNormResult result{Tensor::empty_like(x), Tensor::empty(rows, x.dtype(), x.stream()),
                         Tensor::empty(rows, x.dtype(), x.stream())};
  SUNDER_DISPATCH(layer_norm_forward, x.device())(x, gain, bias, eps, result);
  return result;
}

LayerNormGrads layer_norm_backward(const Tensor& grad_y, const Tensor& x, const Tensor& gain, const Tensor& mean,
                                   const Tensor& rstd) {
  check(x, gain);
  check_alike("layer_norm_backward", {&grad_y, &x, &mean, &rstd});
  check_shape("layer_norm_backward", "grad_y", grad_y, x.shape());
  LayerNormGrads grads{Tensor::empty_like(x), Tensor::empty_like(gain), Tensor::empty_like(gain)};
  SUNDER_DISPATCH(layer_norm_backward, x.device())(grad_y, x, gain, mean, rstd, grads);
  return grads;
}

}  // namespace sunder
