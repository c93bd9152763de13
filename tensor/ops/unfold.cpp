#include "tensor/ops/unfold.h"

#include <algorithm>
#include <tuple>

#include "tensor/parallel.h"

namespace sunder {
namespace {

constexpr int64_t elements_per_chunk = 1 << 13;

// The windows of x (one T, F of many items) in y, as plain numbers.
struct Sizes {
  int64_t steps, bins, channels, windows_t, windows_f, width;

  Sizes(const Tensor& x, const Tensor& y)
      : steps(x.size(1)),
        bins(x.size(2)),
        channels(x.size(3)),
        windows_t(y.size(1)),
        windows_f(y.size(2)),
        width(y.size(3)) {}
};

// One (b, t) of the windows.
template <class T>
void unfold_row(const T* x, const SlidingWindow& w, const Sizes& s, int64_t row, T* y) {
  const int64_t item = row / s.windows_t, t = row % s.windows_t, positions = w.positions();
  for (int64_t i = 0; i < w.t.kernel; ++i) {
    const int64_t step = t * w.t.stride + i - w.t.padding;
    for (int64_t j = 0; j < w.f.kernel; ++j)
      for (int64_t f = 0; f < s.windows_f; ++f) {
        const int64_t bin = f * w.f.stride + j - w.f.padding;
        T* out = y + f * s.width + i * w.f.kernel + j;
        if (step < 0 || step >= s.steps || bin < 0 || bin >= s.bins) {
          for (int64_t c = 0; c < s.channels; ++c) out[c * positions] = T(0);
          continue;
        }
        const T* in = x + ((item * s.steps + step) * s.bins + bin) * s.channels;
        for (int64_t c = 0; c < s.channels; ++c) out[c * positions] = in[c];
      }
  }
}

// One (b, t) of x, which takes from all windows whose t reaches it, always in the same order.
template <class T>
void fold_row(const T* y, const SlidingWindow& w, const Sizes& s, int64_t row, T* x) {
  const int64_t item = row / s.steps, step = row % s.steps, positions = w.positions();
  std::fill_n(x, s.bins * s.channels, T(0));
  for (int64_t i = 0; i < w.t.kernel; ++i) {
    const int64_t start = step + w.t.padding - i, t = start / w.t.stride;
    if (start < 0 || start % w.t.stride != 0 || t >= s.windows_t) continue;
    for (int64_t j = 0; j < w.f.kernel; ++j)
      for (int64_t f = 0; f < s.windows_f; ++f) {
        const int64_t bin = f * w.f.stride + j - w.f.padding;
        if (bin < 0 || bin >= s.bins) continue;
        const T* in = y + ((item * s.windows_t + t) * s.windows_f + f) * s.width + i * w.f.kernel + j;
        for (int64_t c = 0; c < s.channels; ++c) x[bin * s.channels + c] += in[c * positions];
      }
  }
}

}  // namespace

void cpu::unfold(const Tensor& x, const SlidingWindow& window, Tensor& y) {
  const Sizes sizes(x, y);
  const int64_t row_size = sizes.windows_f * sizes.width;
  visit_real("unfold", x.dtype(), [&]<class T>() {
    parallel_for(y.size(0) * y.size(1), elements_per_chunk / std::max<int64_t>(1, row_size),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t row = begin; row < end; ++row)
                     unfold_row(x.data<T>(), window, sizes, row, y.mutable_data<T>() + row * row_size);
                 });
  });
}

void cpu::fold(const Tensor& y, const SlidingWindow& window, Tensor& x) {
  const Sizes sizes(x, y);
  const int64_t row_size = sizes.bins * sizes.channels;
  visit_real("fold", x.dtype(), [&]<class T>() {
    parallel_for(x.size(0) * x.size(1), elements_per_chunk / std::max<int64_t>(1, row_size * window.positions()),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t row = begin; row < end; ++row)
                     fold_row(y.data<T>(), window, sizes, row, x.mutable_data<T>() + row * row_size);
                 });
  });
}

namespace {

void check(const char* op, const SlidingWindow& w, int64_t steps, int64_t bins) {
  for (const auto& [name, axis, size] : {std::tuple("T", w.t, steps), std::tuple("F", w.f, bins)})
    if (axis.kernel < 1 || axis.stride < 1 || axis.padding < 0 || size + 2 * axis.padding < axis.kernel)
      throw_error("[{}] expected a window that fits {} = {}, got kernel {}, stride {} and padding {}", op, name, size,
                  axis.kernel, axis.stride, axis.padding);
}

}  // namespace

Tensor unfold(const Tensor& x, const SlidingWindow& window) {
  check_dim("unfold", "x", x, 4);
  check("unfold", window, x.size(1), x.size(2));
  Tensor y =
      Tensor::empty({x.size(0), window.t.count(x.size(1)), window.f.count(x.size(2)), x.size(3) * window.positions()},
                    x.dtype(), x.stream());
  SUNDER_DISPATCH(unfold, x.device())(x, window, y);
  return y;
}

Tensor fold(const Tensor& y, int64_t steps, int64_t bins, const SlidingWindow& window) {
  check("fold", window, steps, bins);
  check_shape("fold", "y", y, {-1, window.t.count(steps), window.f.count(bins), -1});
  if (y.size(3) % window.positions() != 0)
    throw_error("[fold] expected a multiple of {} columns, got {}", window.positions(), describe(y));
  Tensor x = Tensor::empty({y.size(0), steps, bins, y.size(3) / window.positions()}, y.dtype(), y.stream());
  SUNDER_DISPATCH(fold, y.device())(y, window, x);
  return x;
}

}  // namespace sunder
