#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// sum += term, element by element: how the engine adds gradients.
// sum, term: any one shape; a floating dtype. Throws Error if they differ.
void accumulate(Tensor& sum, const Tensor& term);

SUNDER_KERNEL(accumulate, Tensor& sum, const Tensor& term)

}  // namespace sunder
