#include "tensor/ops/residual_skip.h"

#include <algorithm>

#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace sunder {
namespace {

constexpr int64_t rows_per_chunk = 64;

template <class T>
SUNDER_SIMD void add_row(const T* a, const T* b, T* sum, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) sum[i] = a[i] + b[i];
}

template <class T>
const T* data_or_null(const Tensor& tensor) { return tensor.defined() ? tensor.data<T>() : nullptr; }

}  // namespace

void cpu::residual_skip_forward(const Tensor& x, const Tensor& skip, const Tensor& both, ResidualSkip& result) {
  const int64_t channels = x.size(-1), width = both.size(-1), skips = width - channels;
  visit_real("residual_skip", x.dtype(), [&]<class T>() {
    const T* before = data_or_null<T>(skip);
    T *next = result.next.mutable_data<T>(), *sum = result.skip_sum.mutable_data<T>();
    parallel_for(x.size(0) * x.size(1), rows_per_chunk, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const T* paths = both.data<T>() + row * width;
        add_row(x.data<T>() + row * channels, paths, next + row * channels, channels);
        if (before) add_row(before + row * skips, paths + channels, sum + row * skips, skips);
        else std::copy_n(paths + channels, skips, sum + row * skips);
      }
    });
  });
}

void cpu::residual_skip_backward(const Tensor& grad_next, const Tensor& grad_skip_sum, Tensor& grad_both,
                                 int64_t channels) {
  const int64_t width = grad_both.size(-1), skips = width - channels;
  visit_real("residual_skip", grad_both.dtype(), [&]<class T>() {
    const T *next = data_or_null<T>(grad_next), *sum = data_or_null<T>(grad_skip_sum);
    const auto put = [](const T* from, int64_t row, int64_t count, T* to) {
      if (from) std::copy_n(from + row * count, count, to);
      else std::fill_n(to, count, T(0));
    };
    parallel_for(grad_both.size(0) * grad_both.size(1), rows_per_chunk, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        T* paths = grad_both.mutable_data<T>() + row * width;
        put(next, row, channels, paths);
        put(sum, row, skips, paths + channels);
      }
    });
  });
}

ResidualSkip residual_skip(const Tensor& x, const Tensor& skip, const Tensor& both) {
  check_alike("residual_skip", {&x, &both});
  check_dim("residual_skip", "x", x, 3);
  check_shape("residual_skip", "both", both, {x.size(0), x.size(1), -1});
  const int64_t skips = both.size(2) - x.size(2);
  if (skips < 0)
    throw_error("[residual_skip] expected both with at least {} channels, got {}", x.size(2), describe(both));
  const Shape shape{x.size(0), x.size(1), skips};
  if (skip.defined()) {
    check_alike("residual_skip", {&x, &skip});
    check_shape("residual_skip", "skip", skip, shape);
  }
  ResidualSkip result{Tensor::empty_like(x), Tensor::empty(shape, x.dtype(), x.stream())};
  SUNDER_DISPATCH(residual_skip_forward, x.device())(x, skip, both, result);
  return result;
}

Tensor residual_skip_backward(const Tensor& grad_next, const Tensor& grad_skip_sum, int64_t channels,
                              int64_t skip_channels) {
  const Tensor& like = grad_next.defined() ? grad_next : grad_skip_sum;
  if (grad_next.defined()) check_shape("residual_skip_backward", "grad_next", grad_next, {-1, -1, channels});
  if (grad_skip_sum.defined())
    check_shape("residual_skip_backward", "grad_skip_sum", grad_skip_sum, {-1, -1, skip_channels});
  Tensor both = Tensor::empty({like.size(0), like.size(1), channels + skip_channels}, like.dtype(), like.stream());
  SUNDER_DISPATCH(residual_skip_backward, like.device())(grad_next, grad_skip_sum, both, channels);
  return both;
}

}  // namespace sunder
