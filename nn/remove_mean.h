// Recordings without their mean, as some projects' networks hear them.
#pragma once

#include "tensor/tensor.h"

namespace sunder {

// x: (B, ...) float32 or float64 -> each item minus the mean over all its elements. No gradient.
Tensor remove_mean(const Tensor& x);

}  // namespace sunder
