#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// The L2 norm of all elements: a tensor (1), float32 or float64 as x. Summed in float64 over chunks in a fixed order.
Tensor l2_norm(const Tensor& x);

SUNDER_KERNEL(l2_norm, const Tensor& x, Tensor& norm)

}  // namespace sunder
