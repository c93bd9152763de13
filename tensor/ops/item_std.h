#pragma once

#include <cmath>

#include "tensor/dispatch.h"
#include "tensor/host_device.h"
#include "tensor/tensor.h"

namespace sunder {

// The standard deviation of every item over all its elements, unbiased (N - 1 in the denominator, torch.std), by which
// a network normalises its input. x: (B, ...) float32 or float64 with at least two elements an item; returns (B) of the
// same type; 1 for an item whose elements are all equal, so that it can be divided by. Sums in float64 in a fixed
// order. No gradient. Throws Error for other types and fewer elements.
Tensor item_std(const Tensor& x);

// Relative, float32 result.
inline constexpr double item_std_error = 1e-6;

// From an item's sum and sum of squares.
SUNDER_HOST_DEVICE double deviation_of(double sum, double squares, int64_t count) {
  const double variance = (squares - sum * sum / static_cast<double>(count)) / static_cast<double>(count - 1);
  return variance > 0 ? std::sqrt(variance) : 1;
}

SUNDER_KERNEL(item_std, const Tensor& x, Tensor& deviations)

}  // namespace sunder
