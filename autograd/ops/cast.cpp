#include "tensor/ops/cast.h"

#include "autograd/ops.h"

namespace sunder {

// Rounding is treated as the identity: dx = dy, in x's precision.
Variable cast(const Variable& x, DType dtype) {
  if (x.value().dtype() == dtype) return x;
  return record(
      "cast", x.value().cast(dtype), {x},
      [before = x.value().dtype()](const Tensor& grad) -> std::vector<Tensor> { return {grad.cast(before)}; });
}

}  // namespace sunder
