#pragma once

#include <vector>

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// targets[i] = sources[i], many small tensors in few launches: it copies a network's gradients into its flat buffer.
// Any shapes, equal in pairs; one dtype, not int64, and one stream for all. Targets must not overlap. No gradient.
// Throws Error for lists of different lengths, other shapes or dtypes.
void copy_all(const std::vector<Tensor>& sources, const std::vector<Tensor>& targets);

SUNDER_KERNEL(copy_all, const std::vector<Tensor>& sources, const std::vector<Tensor>& targets)

}  // namespace sunder
