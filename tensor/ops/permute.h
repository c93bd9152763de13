#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// A copy with permuted axes: y's axis k is x's axis axes[k] (torch.permute, contiguous). x: any shape of at most 8 axes
// and any dtype. Throws Error unless `axes` names every axis once (negative ones count from the last).
Tensor permute(const Tensor& x, const std::vector<int>& axes);

// The axes in y's order, without size-1 axes; axes that stay neighbours are merged. Plain data for kernels.
struct PermuteLayout {
  static constexpr int max_axes = 8;
  int axes = 1;
  int64_t sizes[max_axes] = {1};
  int64_t x_strides[max_axes] = {1};  // in elements
};
SUNDER_KERNEL(permute, const PermuteLayout& layout, const Tensor& x, Tensor& y)

}  // namespace sunder
