#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// Concatenates tensors along an axis (torch.cat), a copy. parts: at least one, any one dtype, equal sizes on all other
// axes; axis: negative ones count from the last. Throws Error for shapes, dtypes or streams that do not fit.
Tensor concat(const std::vector<Tensor>& parts, int axis);

SUNDER_KERNEL(concat, const std::vector<Tensor>& parts, int axis, Tensor& result)

}  // namespace sunder
