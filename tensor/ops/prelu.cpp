#include "tensor/ops/prelu.h"

#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace sunder {
namespace {

constexpr int64_t rows_per_chunk = 64;

// slope: (C), also where it is shared: one loop without a branch.
template <class T>
SUNDER_SIMD void prelu_rows(const T* x, const T* slope, T* y, int64_t rows, int64_t channels) {
  for (int64_t row = 0; row < rows; ++row, x += channels, y += channels) {
#pragma omp simd
    for (int64_t c = 0; c < channels; ++c) y[c] = x[c] > 0 ? x[c] : slope[c] * x[c];
  }
}

// grad_slope: (C) sums over these rows, one per channel also where the slope is shared.
template <class T>
SUNDER_SIMD void prelu_backward_rows(const T* dy, const T* x, const T* slope, T* dx, double* grad_slope, int64_t rows,
                                     int64_t channels) {
  for (int64_t row = 0; row < rows; ++row, dy += channels, x += channels, dx += channels) {
#pragma omp simd
    for (int64_t c = 0; c < channels; ++c) {
      dx[c] = x[c] > 0 ? dy[c] : slope[c] * dy[c];
      grad_slope[c] += x[c] > 0 ? T(0) : dy[c] * x[c];
    }
  }
}

// One slope per channel, shared or not.
template <class T>
std::vector<T> slopes(const Tensor& slope, int64_t channels) {
  const T* given = slope.data<T>();
  return slope.numel() == 1 ? std::vector<T>(channels, given[0]) : std::vector<T>(given, given + channels);
}

}  // namespace

void cpu::prelu_forward(const Tensor& x, const Tensor& slope, Tensor& y) {
  const int64_t channels = x.size(-1), rows = channels > 0 ? x.numel() / channels : 0;
  visit_real("prelu", x.dtype(), [&]<class T>() {
    const std::vector<T> each = slopes<T>(slope, channels);
    parallel_for(rows, rows_per_chunk, [&](int64_t begin, int64_t end) {
      prelu_rows(x.data<T>() + begin * channels, each.data(), y.mutable_data<T>() + begin * channels, end - begin,
                 channels);
    });
  });
}

void cpu::prelu_backward(const Tensor& grad_y, const Tensor& x, const Tensor& slope, Tensor& grad_x,
                         Tensor& grad_slope) {
  const int64_t channels = x.size(-1), rows = channels > 0 ? x.numel() / channels : 0;
  const int64_t chunks = (rows + rows_per_chunk - 1) / rows_per_chunk;
  const bool shared = slope.numel() == 1;
  std::vector<double> partial(chunks * channels, 0.0);
  visit_real("prelu", x.dtype(), [&]<class T>() {
    const std::vector<T> each = slopes<T>(slope, channels);
    parallel_for(rows, rows_per_chunk, [&](int64_t begin, int64_t end) {
      prelu_backward_rows(grad_y.data<T>() + begin * channels, x.data<T>() + begin * channels, each.data(),
                          grad_x.mutable_data<T>() + begin * channels,
                          partial.data() + begin / rows_per_chunk * channels, end - begin, channels);
    });
    std::vector<double> total(slope.numel(), 0.0);
    for (int64_t i = 0; i < chunks * channels; ++i) total[shared ? 0 : i % channels] += partial[i];
    std::copy(total.begin(), total.end(), grad_slope.mutable_data<T>());
  });
}

namespace {

void check(const Tensor& x, const Tensor& slope) {
  check_parameters("prelu", x, {&slope});
  if (x.dim() < 1) throw_error("[prelu] expected x of shape (..., C), got {}", describe(x));
  if (slope.dim() != 1 || (slope.numel() != 1 && slope.numel() != x.size(-1)))
    throw_error("[prelu] expected slope of shape (1) or ({}), got {}", x.size(-1), describe(slope));
}

}  // namespace

Tensor prelu(const Tensor& x, const Tensor& slope) {
  check(x, slope);
  Tensor y = Tensor::empty_like(x);
  SUNDER_DISPATCH(prelu_forward, x.device())(x, slope, y);
  return y;
}

PreluGrads prelu_backward(const Tensor& grad_y, const Tensor& x, const Tensor& slope) {
  check(x, slope);
  check_alike("prelu_backward", {&grad_y, &x});
  check_shape("prelu_backward", "grad_y", grad_y, x.shape());
  PreluGrads grads{Tensor::empty_like(x), Tensor::empty_like(slope)};
  SUNDER_DISPATCH(prelu_backward, x.device())(grad_y, x, slope, grads.x, grads.slope);
  return grads;
}

}  // namespace sunder
