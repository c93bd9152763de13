#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// sum += term, element by element: how backward() accumulates gradients. sum, term: equal shapes and dtypes, any
// floating dtype, on CUDA also bfloat16. Throws Error otherwise.
void accumulate(Tensor& sum, const Tensor& term);

SUNDER_KERNEL(accumulate, Tensor& sum, const Tensor& term)

// One rounding to bfloat16; the hundredth covers the float32 arithmetic.
inline constexpr double accumulate_bfloat16_error = 1.01 * bfloat16_unit;

}  // namespace sunder
