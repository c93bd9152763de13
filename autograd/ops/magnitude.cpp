#include "tensor/ops/magnitude.h"

#include "autograd/ops.h"

namespace sunder {

// d|z|/dRe z = Re z / |z|, d|z|/dIm z = Im z / |z|: dz = dy z / |z|. At 0 the subgradient 0 is taken.
Variable magnitude(const Variable& z) {
  return record("magnitude", magnitude(z.value()), {z}, [z = z.value()](const Tensor& grad_y) -> std::vector<Tensor> {
    return {magnitude_backward(grad_y, z)};
  });
}

}  // namespace sunder
