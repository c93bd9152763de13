#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// sum += term, element by element: how the engine adds gradients.
// sum, term: any one shape; a floating dtype, on CUDA also bfloat16. Throws Error if they differ.
void accumulate(Tensor& sum, const Tensor& term);

SUNDER_KERNEL(accumulate, Tensor& sum, const Tensor& term)

// Rounded once; the hundredth is float32's.
inline constexpr double accumulate_bfloat16_error = 1.01 * bfloat16_unit;

}  // namespace sunder
