#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// A window that slides over the two axes T and F; per axis as the kernel, stride and padding of a convolution.
struct SlidingWindow {
  struct Axis {
    int64_t kernel = 1, stride = 1, padding = 0;
    // The number of windows along an axis of `size`.
    int64_t count(int64_t size) const { return (size + 2 * padding - kernel) / stride + 1; }
  };
  Axis t, f;
  int64_t positions() const { return t.kernel * f.kernel; }
};

// The inputs of each window as one row (torch.nn.functional.unfold with channels last). A convolution is then a linear
// layer over the rows, its weight (C_out, C, kernel_t, kernel_f) read as (C_out, C kernel_t kernel_f):
//   y[b, t, f, (c kernel_t + i) kernel_f + j] = x[b, t stride_t + i - padding_t, f stride_f + j - padding_f, c].
// x: (B, T, F, C); returns (B, T', F', C positions). float32, float64; on CUDA also bfloat16. Throws Error for a window
// that does not fit.
Tensor unfold(const Tensor& x, const SlidingWindow& window);

// The adjoint of unfold: adds overlapping windows (torch.nn.functional.fold). It is unfold's gradient, and the second
// half of a transposed convolution. y: (B, T', F', C positions); returns (B, steps, bins, C).
Tensor fold(const Tensor& y, int64_t steps, int64_t bins, const SlidingWindow& window);

SUNDER_KERNEL(unfold, const Tensor& x, const SlidingWindow& window, Tensor& y)
SUNDER_KERNEL(fold, const Tensor& y, const SlidingWindow& window, Tensor& x)

// The sum of overlapping windows, rounded once.
inline constexpr double unfold_bfloat16_error = 1.01 * bfloat16_unit;

}  // namespace sunder
