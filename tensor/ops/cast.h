#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// The same values in another precision, rounded to nearest: complex to complex, or between float32, float64 and
// bfloat16 (Tensor::cast; float64 reaches bfloat16 by way of float32). x: any shape; y: the same shape, of the target
// dtype. Throws Error for other pairs of dtypes.
void cast_to(const Tensor& x, Tensor& y);

SUNDER_KERNEL(cast_to, const Tensor& x, Tensor& y)

}  // namespace sunder
