#include "tensor/ops/global_norm.h"

#include <cmath>

#include "tensor/ops/global_norm_cpu.h"

namespace sunder {
namespace cpu {
namespace {

// Sums of PReLU(x) and its square. A row is summed in T and the rows in float64, so that float32 adds few numbers.
template <class T>
SUNDER_SIMD void moment_rows(const T* x, T slope, int64_t rows, int64_t channels, double* sums) {
  for (int64_t row = 0; row < rows; ++row, x += channels) {
    T sum = 0, squares = 0;
#pragma omp simd reduction(+ : sum, squares)
    for (int64_t c = 0; c < channels; ++c) {
      const T a = activate(x[c], slope);
      sum += a;
      squares += a * a;
    }
    sums[0] += sum;
    sums[1] += squares;
  }
}

template <class T>
SUNDER_SIMD void apply_rows(const T* x, T slope, const T* scale, const T* shift, T* y, int64_t rows, int64_t channels) {
  for (int64_t row = 0; row < rows; ++row, x += channels, y += channels) {
#pragma omp simd
    for (int64_t c = 0; c < channels; ++c) y[c] = scale[c] * activate(x[c], slope) + shift[c];
  }
}

// sums: (2, C) of dn * xh and of dn.
template <class T>
SUNDER_SIMD void gain_bias_rows(const T* dn, const T* x, T slope, T mean, T rstd, int64_t rows, int64_t channels,
                                T* sums) {
  T* gain = sums;
  T* bias = sums + channels;
  for (int64_t row = 0; row < rows; ++row, x += channels, dn += channels) {
#pragma omp simd
    for (int64_t c = 0; c < channels; ++c) {
      gain[c] += dn[c] * ((activate(x[c], slope) - mean) * rstd);
      bias[c] += dn[c];
    }
  }
}

// Returns the sum of da * x where x <= 0, a row in T, the rows in float64.
template <class T>
SUNDER_SIMD double input_rows(const T* dn, const T* x, T slope, const T* gain, T mean, T rstd, T mean_g, T mean_gx,
                              int64_t rows, int64_t channels, T* dx) {
  double total = 0;
  for (int64_t row = 0; row < rows; ++row, x += channels, dn += channels, dx += channels) {
    T sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t c = 0; c < channels; ++c) {
      const T normed = (activate(x[c], slope) - mean) * rstd;
      const T da = rstd * (gain[c] * dn[c] - mean_g - normed * mean_gx);
      sum += x[c] > 0 ? T(0) : da * x[c];
      dx[c] = x[c] > 0 ? da : slope * da;
    }
    total += sum;
  }
  return total;
}

}  // namespace

template <class T>
void norm_moments(const T* x, T slope, int64_t items, int64_t frames, int64_t channels, double eps, T* moments) {
  const int64_t chunks = chunks_per_item(frames);
  std::vector<double> sums(2 * items * chunks, 0.0);
  for_chunks(items, frames, [&](int64_t item, int64_t chunk, int64_t begin, int64_t end) {
    moment_rows(x + (item * frames + begin) * channels, slope, end - begin, channels, &sums[2 * chunk]);
  });
  const double count = static_cast<double>(frames * channels);
  for (int64_t item = 0; item < items; ++item) {
    double sum = 0, squares = 0;
    for (int64_t chunk = item * chunks; chunk < (item + 1) * chunks; ++chunk) {
      sum += sums[2 * chunk];
      squares += sums[2 * chunk + 1];
    }
    const double mean = sum / count, variance = std::max(0.0, squares / count - mean * mean);
    moments[2 * item] = static_cast<T>(mean);
    moments[2 * item + 1] = static_cast<T>(1 / std::sqrt(variance + eps));
  }
}

template <class T>
void norm_apply_rows(const T* x, T slope, const T* scale, const T* shift, T* y, int64_t rows, int64_t channels) {
  apply_rows(x, slope, scale, shift, y, rows, channels);
}

template <class T>
void norm_backward(const T* dn, const T* x, T slope, const T* gain, const T* moments, int64_t items, int64_t frames,
                   int64_t channels, T* grad_x, T* grad_slope, T* grad_gain, T* grad_bias) {
  const int64_t chunks = chunks_per_item(frames);
  std::vector<T> sums(items * chunks * 2 * channels, T(0));
  for_chunks(items, frames, [&](int64_t item, int64_t chunk, int64_t begin, int64_t end) {
    const int64_t at = (item * frames + begin) * channels;
    gain_bias_rows(dn + at, x + at, slope, moments[2 * item], moments[2 * item + 1], end - begin, channels,
                   &sums[chunk * 2 * channels]);
  });
  // The item's means of g = gain * dn and of g * xh follow from the column sums, without another pass.
  std::vector<double> total(2 * channels, 0.0), of_item(2 * channels);
  std::vector<T> mean_g(items), mean_gx(items);
  for (int64_t item = 0; item < items; ++item) {
    std::fill(of_item.begin(), of_item.end(), 0.0);
    for (int64_t chunk = item * chunks; chunk < (item + 1) * chunks; ++chunk)
      for (int64_t c = 0; c < 2 * channels; ++c) of_item[c] += sums[chunk * 2 * channels + c];
    double g = 0, gx = 0;
    for (int64_t c = 0; c < channels; ++c) {
      gx += gain[c] * of_item[c];
      g += gain[c] * of_item[channels + c];
      total[c] += of_item[c];
      total[channels + c] += of_item[channels + c];
    }
    const double count = static_cast<double>(frames * channels);
    mean_g[item] = static_cast<T>(g / count);
    mean_gx[item] = static_cast<T>(gx / count);
  }
  std::copy_n(total.begin(), channels, grad_gain);
  std::copy_n(total.begin() + channels, channels, grad_bias);
  if (!grad_x) return;
  std::vector<double> slope_sums(items * chunks);
  for_chunks(items, frames, [&](int64_t item, int64_t chunk, int64_t begin, int64_t end) {
    const int64_t at = (item * frames + begin) * channels;
    slope_sums[chunk] = input_rows(dn + at, x + at, slope, gain, moments[2 * item], moments[2 * item + 1], mean_g[item],
                                   mean_gx[item], end - begin, channels, grad_x + at);
  });
  if (!grad_slope) return;
  double slope_total = 0;
  for (double sum : slope_sums) slope_total += sum;
  *grad_slope = static_cast<T>(slope_total);
}

#define SUNDER_INSTANTIATE(T)                                                           \
  template void norm_moments(const T*, T, int64_t, int64_t, int64_t, double, T*);       \
  template void norm_apply_rows(const T*, T, const T*, const T*, T*, int64_t, int64_t); \
  template void norm_backward(const T*, const T*, T, const T*, const T*, int64_t, int64_t, int64_t, T*, T*, T*, T*);
SUNDER_INSTANTIATE(float)
SUNDER_INSTANTIATE(double)
#undef SUNDER_INSTANTIATE

void global_norm_forward(const Tensor& x, const Tensor& gain, const Tensor& bias, double eps, Tensor& y,
                         Tensor& moments) {
  const int64_t items = x.size(0), frames = x.size(1), channels = x.size(2);
  visit_real("global_norm", x.dtype(), [&]<class T>() {
    norm_moments(x.data<T>(), T(1), items, frames, channels, eps, moments.mutable_data<T>());
    for_chunks(items, frames, [&](int64_t item, int64_t, int64_t begin, int64_t end) {
      const NormAffine<T> affine(gain.data<T>(), bias.data<T>(), moments.data<T>() + 2 * item, channels);
      const int64_t at = (item * frames + begin) * channels;
      norm_apply_rows(x.data<T>() + at, T(1), affine.scale.data(), affine.shift.data(), y.mutable_data<T>() + at,
                      end - begin, channels);
    });
  });
}

void global_norm_backward(const Tensor& grad_y, const Tensor& x, const Tensor& gain, const Tensor& moments,
                          GlobalNormGrads& grads) {
  visit_real("global_norm", x.dtype(), [&]<class T>() {
    norm_backward(grad_y.data<T>(), x.data<T>(), T(1), gain.data<T>(), moments.data<T>(), x.size(0), x.size(1),
                  x.size(2), grads.x.defined() ? grads.x.mutable_data<T>() : nullptr, static_cast<T*>(nullptr),
                  grads.gain.mutable_data<T>(), grads.bias.mutable_data<T>());
  });
}

}  // namespace cpu

GlobalNormResult global_norm(const Tensor& x, const Tensor& gain, const Tensor& bias, double eps) {
  check_parameters("global_norm", x, {&gain, &bias});
  check_dim("global_norm", "x", x, 3);
  check_shape("global_norm", "gain", gain, {x.size(2)});
  check_shape("global_norm", "bias", bias, {x.size(2)});
  GlobalNormResult result{Tensor::empty_like(x), Tensor::empty({x.size(0), 2}, compute_dtype(x.dtype()), x.stream())};
  SUNDER_DISPATCH(global_norm_forward, x.device())(x, gain, bias, eps, result.y, result.moments);
  return result;
}

GlobalNormGrads global_norm_backward(const Tensor& grad_y, const Tensor& x, const Tensor& gain, const Tensor& moments,
                                     bool wants_x) {
  check_alike("global_norm_backward", {&grad_y, &x});
  check_parameters("global_norm_backward", x, {&gain, &moments});
  check_shape("global_norm_backward", "grad_y", grad_y, x.shape());
  GlobalNormGrads grads{wants_x ? Tensor::empty_like(x) : Tensor(), Tensor::empty_like(gain), Tensor::empty_like(gain)};
  SUNDER_DISPATCH(global_norm_backward, x.device())(grad_y, x, gain, moments, grads);
  return grads;
}

}  // namespace sunder
