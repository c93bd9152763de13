#include "tensor/ops/head_norm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tensor/ops/permute.h"
#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace sunder {
namespace {

constexpr int64_t frames_per_chunk = 8;

struct Sizes {
  int64_t frames, steps, bins, heads, channels;  // frames: B T

  Sizes(const Tensor& x, const Tensor& slope)
      : frames(x.size(0) * x.size(1)),
        steps(x.size(1)),
        bins(x.size(2)),
        heads(slope.size(0)),
        channels(x.size(3) / heads) {}
  int64_t vector() const { return bins * channels; }
  int64_t frame() const { return heads * vector(); }
  // Where the vector of a head begins in y.
  int64_t row(int64_t frame_index, int64_t head) const {
    return ((frame_index / steps * heads + head) * steps + frame_index % steps) * vector();
  }
};

// (F, L C) <-> (F C) of one head.
template <class T>
SUNDER_SIMD void take_head(const T* x, int64_t bins, int64_t channels, int64_t stride, T* values) {
  for (int64_t f = 0; f < bins; ++f, x += stride, values += channels)
    for (int64_t c = 0; c < channels; ++c) values[c] = x[c];
}
template <class T>
SUNDER_SIMD void put_head(const T* values, int64_t bins, int64_t channels, int64_t stride, T* x) {
  for (int64_t f = 0; f < bins; ++f, x += stride, values += channels)
    for (int64_t c = 0; c < channels; ++c) x[c] = values[c];
}

// In place; moments: mean and scale.
template <class T>
SUNDER_SIMD void norm_vector(T* v, T slope, const T* gain, const T* bias, T eps, T* moments, int64_t count) {
  T total = 0, squares = 0;
#pragma omp simd reduction(+ : total)
  for (int64_t k = 0; k < count; ++k) {
    v[k] = v[k] > T(0) ? v[k] : slope * v[k];
    total += v[k];
  }
  const T mean = total / static_cast<T>(count);
#pragma omp simd reduction(+ : squares)
  for (int64_t k = 0; k < count; ++k) squares += (v[k] - mean) * (v[k] - mean);
  const T scale = T(1) / std::sqrt(squares / static_cast<T>(count) + eps);
#pragma omp simd
  for (int64_t k = 0; k < count; ++k) v[k] = (v[k] - mean) * scale * gain[k] + bias[k];
  moments[0] = mean;
  moments[1] = scale;
}

// v: the vector of x, which becomes that of dx. Returns the slope's gradient.
template <class T>
SUNDER_SIMD T norm_vector_backward(T* v, const T* dy, T slope, const T* gain, const T* moments, T* grad_gain,
                                   T* grad_bias, int64_t count) {
  const T mean = moments[0], scale = moments[1];
  T sum_g = 0, sum_gn = 0, grad_slope = 0;
#pragma omp simd reduction(+ : sum_g, sum_gn)
  for (int64_t k = 0; k < count; ++k) {
    const T n = ((v[k] > T(0) ? v[k] : slope * v[k]) - mean) * scale, g = dy[k] * gain[k];
    sum_g += g;
    sum_gn += g * n;
    grad_gain[k] += dy[k] * n;
    grad_bias[k] += dy[k];
  }
  const T mean_g = sum_g / static_cast<T>(count), mean_gn = sum_gn / static_cast<T>(count);
#pragma omp simd reduction(+ : grad_slope)
  for (int64_t k = 0; k < count; ++k) {
    const bool positive = v[k] > T(0);
    const T n = ((positive ? v[k] : slope * v[k]) - mean) * scale;
    const T d = scale * (dy[k] * gain[k] - mean_g - n * mean_gn);
    grad_slope += positive ? T(0) : d * v[k];
    v[k] = positive ? d : slope * d;
  }
  return grad_slope;
}

}  // namespace

void cpu::head_norm_forward(const Tensor& x, const Tensor& slope, const Tensor& gain, const Tensor& bias, double eps,
                            HeadNormResult& result) {
  const Sizes s(x, slope);
  visit_real("head_norm", x.dtype(), [&]<class T>() {
    parallel_for(s.frames * s.heads, frames_per_chunk, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t frame = i / s.heads, head = i % s.heads;
        T* y = result.y.mutable_data<T>() + s.row(frame, head);
        take_head(x.data<T>() + frame * s.frame() + head * s.channels, s.bins, s.channels, s.heads * s.channels, y);
        norm_vector(y, slope.data<T>()[head], gain.data<T>() + head * s.vector(), bias.data<T>() + head * s.vector(),
                    static_cast<T>(eps), result.moments.mutable_data<T>() + 2 * i, s.vector());
      }
    });
  });
}

void cpu::head_norm_backward(const Tensor& grad_y, const Tensor& x, const Tensor& slope, const Tensor& gain,
                             const Tensor& moments, HeadNormGrads& grads) {
  const Sizes s(x, slope);
  const int64_t chunks = (s.frames + frames_per_chunk - 1) / frames_per_chunk, size = s.frame();
  visit_real("head_norm", x.dtype(), [&]<class T>() {
    const int64_t sums_size = 2 * size + s.heads;  // of gain, bias and slope
    std::vector<T> partial(chunks * sums_size, T(0));
    parallel_for(s.frames, frames_per_chunk, [&](int64_t begin, int64_t end) {
      T* sums = partial.data() + begin / frames_per_chunk * sums_size;
      std::vector<T> values(s.vector());
      for (int64_t frame = begin; frame < end; ++frame)
        for (int64_t head = 0; head < s.heads; ++head) {
          const int64_t at = frame * size + head * s.channels, column = head * s.vector();
          take_head(x.data<T>() + at, s.bins, s.channels, s.heads * s.channels, values.data());
          sums[2 * size + head] += norm_vector_backward(
              values.data(), grad_y.data<T>() + s.row(frame, head), slope.data<T>()[head], gain.data<T>() + column,
              moments.data<T>() + 2 * (frame * s.heads + head), sums + column, sums + size + column, s.vector());
          put_head(values.data(), s.bins, s.channels, s.heads * s.channels, grads.x.mutable_data<T>() + at);
        }
    });
    const auto finish = [&](int64_t first, const Tensor& grad) {
      parallel_for(grad.numel(), 1 << 10, [&](int64_t begin, int64_t end) {
        std::vector<double> total(end - begin, 0.0);
        for (int64_t chunk = 0; chunk < chunks; ++chunk)
          for (int64_t k = begin; k < end; ++k) total[k - begin] += partial[chunk * sums_size + first + k];
        std::copy(total.begin(), total.end(), grad.mutable_data<T>() + begin);
      });
    };
    finish(0, grads.gain);
    finish(size, grads.bias);
    finish(2 * size, grads.slope);
  });
}

namespace {

void check(const Tensor& x, const Tensor& slope, const Tensor& gain) {
  check_parameters("head_norm", x, {&slope, &gain});
  check_dim("head_norm", "x", x, 4);
  check_dim("head_norm", "slope", slope, 1);
  const int64_t heads = slope.size(0);
  if (heads < 1 || x.size(3) % heads != 0 || x.size(2) * x.size(3) == 0)
    throw_error("[head_norm] expected x of shape (B, T, F, {} C), got {}", heads, describe(x));
  check_shape("head_norm", "gain", gain, {heads, x.size(3) / heads, x.size(2)});
}

}  // namespace

HeadNormResult head_norm(const Tensor& x, const Tensor& slope, const Tensor& gain, const Tensor& bias, double eps) {
  check(x, slope, gain);
  check_parameters("head_norm", x, {&bias});
  check_shape("head_norm", "bias", bias, gain.shape());
  const int64_t heads = slope.size(0);
  HeadNormResult result{
      Tensor::empty({x.size(0), heads, x.size(1), x.size(2) * x.size(3) / heads}, x.dtype(), x.stream()),
      Tensor::empty({x.size(0), x.size(1), heads, 2}, slope.dtype(), x.stream())};
  SUNDER_DISPATCH(head_norm_forward, x.device())
  (x, slope, permute(gain, {0, 2, 1}), permute(bias, {0, 2, 1}), eps, result);
  return result;
}

HeadNormGrads head_norm_backward(const Tensor& grad_y, const Tensor& x, const Tensor& slope, const Tensor& gain,
                                 const Tensor& moments) {
  check(x, slope, gain);
  check_alike("head_norm_backward", {&grad_y, &x});
  const int64_t heads = slope.size(0), channels = x.size(3) / heads;
  check_shape("head_norm_backward", "grad_y", grad_y, {x.size(0), heads, x.size(1), x.size(2) * channels});
  HeadNormGrads grads{Tensor::empty_like(x),
                      Tensor::empty_like(slope),
                      Tensor::empty({heads, x.size(2), channels}, gain.dtype(), x.stream()),
                      {}};
  grads.bias = Tensor::empty_like(grads.gain);
  SUNDER_DISPATCH(head_norm_backward, x.device())(grad_y, x, slope, permute(gain, {0, 2, 1}), moments, grads);
  grads.gain = permute(grads.gain, {0, 2, 1});
  grads.bias = permute(grads.bias, {0, 2, 1});
  return grads;
}

}  // namespace sunder
