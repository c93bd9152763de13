#include "tensor/ops/unfold.h"

#include "tensor/cuda/kernel.cuh"

// Floor: both tensors once. Neighbouring threads of unfold write neighbouring elements and read the few rows of x under
// one window; those of fold write neighbouring channels. The other side is strided by the window's positions, and the
// L1 cache holds the rest of its lines for the threads that follow.
namespace sunder::cuda {
namespace {

struct Sizes {
  int64_t steps, bins, channels, windows_t, windows_f;

  Sizes(const Tensor& x, const Tensor& y)
      : steps(x.size(1)), bins(x.size(2)), channels(x.size(3)), windows_t(y.size(1)), windows_f(y.size(2)) {}
};

template <class S>
__global__ void unfold_kernel(const S* x, SlidingWindow w, Sizes s, S* y, int64_t count) {
  const int64_t positions = w.t.kernel * w.f.kernel, width = s.channels * positions;
  SUNDER_GRID_STRIDE(at, count) {
    const int64_t window = at / width, column = at - window * width, c = column / positions;
    const int64_t position = column - c * positions, i = position / w.f.kernel, j = position - i * w.f.kernel;
    const int64_t row = window / s.windows_f, f = window - row * s.windows_f, item = row / s.windows_t;
    const int64_t step = (row - item * s.windows_t) * w.t.stride + i - w.t.padding;
    const int64_t bin = f * w.f.stride + j - w.f.padding;
    const bool inside = step >= 0 && step < s.steps && bin >= 0 && bin < s.bins;
    y[at] = inside ? x[((item * s.steps + step) * s.bins + bin) * s.channels + c] : S(0.0f);
  }
}

template <class S>
__global__ void fold_kernel(const S* y, SlidingWindow w, Sizes s, S* x, int64_t count) {
  const int64_t positions = w.t.kernel * w.f.kernel, width = s.channels * positions;
  SUNDER_GRID_STRIDE(at, count) {
    const int64_t cell = at / s.channels, c = at - cell * s.channels, row = cell / s.bins, bin = cell - row * s.bins;
    const int64_t item = row / s.steps, step = row - item * s.steps;
    compute_type<S> sum = 0;
    for (int64_t i = 0; i < w.t.kernel; ++i) {
      const int64_t start_t = step + w.t.padding - i, t = start_t / w.t.stride;
      if (start_t < 0 || t * w.t.stride != start_t || t >= s.windows_t) continue;
      for (int64_t j = 0; j < w.f.kernel; ++j) {
        const int64_t start_f = bin + w.f.padding - j, f = start_f / w.f.stride;
        if (start_f < 0 || f * w.f.stride != start_f || f >= s.windows_f) continue;
        sum += y[((item * s.windows_t + t) * s.windows_f + f) * width + c * positions + i * w.f.kernel + j];
      }
    }
    x[at] = S(sum);
  }
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::unfold(const Tensor& x, const SlidingWindow& window, Tensor& y) {
  if (y.numel() == 0) return;
  visit_stored("unfold", x.dtype(), [&]<class S>() {
    launch(unfold_kernel<S>, grid_for(y.numel()), dim3(block_size), 0, x.stream(), x.data<S>(), window, Sizes(x, y),
           y.mutable_data<S>(), y.numel());
  });
}

void cuda::fold(const Tensor& y, const SlidingWindow& window, Tensor& x) {
  if (x.numel() == 0) return;
  visit_stored("fold", y.dtype(), [&]<class S>() {
    launch(fold_kernel<S>, grid_for(x.numel()), dim3(block_size), 0, y.stream(), y.data<S>(), window, Sizes(x, y),
           x.mutable_data<S>(), x.numel());
  });
}

}  // namespace sunder
