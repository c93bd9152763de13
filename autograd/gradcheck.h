// Compares gradients with central finite differences, in float64.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "autograd/variable.h"

namespace sunder {

using Differentiable = std::function<std::vector<Variable>(const std::vector<Variable>&)>;

struct GradcheckResult {
  double error = 0;    // largest |analytic - numeric| / max(1, largest |numeric| of that input)
  std::string detail;  // where it was found
};

// inputs: float64 or complex128; those with `wanted` (all, if empty) are checked in every element, or in at most
// `max_elements` of them spread evenly. The loss is the real inner product of the outputs with fixed pseudo-random
// cotangents. `step` is relative to max(1, |x|).
GradcheckResult gradcheck(const Differentiable& function, const std::vector<Tensor>& inputs,
                          std::vector<bool> wanted = {}, double step = 1e-6, int64_t max_elements = 200);

}  // namespace sunder
