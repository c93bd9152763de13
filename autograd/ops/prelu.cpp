#include "tensor/ops/prelu.h"

#include "autograd/ops.h"

namespace sunder {

// dy/dx = 1 or slope, by the sign of x; dy/dslope = x where x <= 0. The sign is x's own (a slope may be negative, so y
// does not determine it): x is saved.
Variable prelu(const Variable& x, const Variable& slope) {
  return record("prelu", prelu(x.value(), slope.value()), {x, slope},
                [x = x.value(), slope = slope.value()](const Tensor& grad_y) -> std::vector<Tensor> {
                  PreluGrads grads = prelu_backward(grad_y, x, slope);
                  return {grads.x, grads.slope};
                });
}

}  // namespace sunder
