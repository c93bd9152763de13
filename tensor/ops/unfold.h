#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// A window that slides over two axes, T and F: `kernel` positions, every `stride`, with `padding` zeros on both sides.
struct Window {
  struct Axis {
    int64_t kernel = 1, stride = 1, padding = 0;
    // Windows over an axis of `size`.
    int64_t count(int64_t size) const { return (size + 2 * padding - kernel) / stride + 1; }
  };
  Axis t, f;
  int64_t positions() const { return t.kernel * f.kernel; }
};

// What each window sees, side by side (torch.nn.functional.unfold with channels last), so that a convolution is a
// linear layer over it, its weight (C_out, C, kernel_t, kernel_f) read as (C_out, C kernel_t kernel_f):
//   y[b, t, f, (c kernel_t + i) kernel_f + j] = x[b, t stride_t + i - padding_t, f stride_f + j - padding_f, c].
// x: (B, T, F, C); returns (B, T', F', C positions). float32, float64; on CUDA also bfloat16. Throws Error for a window
// that does not fit.
Tensor unfold(const Tensor& x, const Window& window);

// The other way round: overlapping windows are added up (torch.nn.functional.fold; the gradient of unfold, and what
// follows the product in a transposed convolution). y: (B, T', F', C positions) for x of (B, steps, bins, C).
Tensor fold(const Tensor& y, int64_t steps, int64_t bins, const Window& window);

SUNDER_KERNEL(unfold, const Tensor& x, const Window& window, Tensor& y)
SUNDER_KERNEL(fold, const Tensor& y, const Window& window, Tensor& x)

// A sum of all that overlap, rounded once.
inline constexpr double unfold_bfloat16_error = 1.01 * bfloat16_unit;

}  // namespace sunder
