// Every differentiable function, one line each; contracts stand in tensor/ops/<stem>.h, derivations in
// autograd/ops/<stem>.cpp. Arguments that are tensors, not variables, are constants.
#pragma once

#include "autograd/variable.h"

namespace sunder {

Variable prelu(const Variable& x, const Variable& slope);

}  // namespace sunder
