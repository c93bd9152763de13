#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// |z| = sqrt(re^2 + im^2). z: any shape, complex64 or complex128; returns the real type. Magnitudes whose square is
// outside the normal range (below 1e-19 or above 1e19 in float32) lose precision or become 0 or infinite. Throws Error
// for another dtype.
Tensor magnitude(const Tensor& z);

// dz = dy * z / |z|, and 0 where |z| is 0 (as torch.abs).
Tensor magnitude_backward(const Tensor& grad_y, const Tensor& z);

SUNDER_KERNEL(magnitude_forward, const Tensor& z, Tensor& y)
SUNDER_KERNEL(magnitude_backward, const Tensor& grad_y, const Tensor& z, Tensor& grad_z)

}  // namespace sunder
