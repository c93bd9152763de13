#include "tensor/ops/mixture_constraint.h"

#include "autograd/ops.h"

namespace sunder {

// With e = Y - Yh the terms' derivatives are -sgn(Re e) - j sgn(Im e) - sgn(|Y| - |Yh|) Yh / |Yh|, found in the forward
// pass; Yh is a plain sum, so every speaker's image has the same.
Variable mixture_constraint(const Variable& images, const Tensor& mixtures) {
  MixtureConstraint result = mixture_constraint(images.value(), mixtures);
  return record("mixture_constraint", result.loss, {images},
                [result, sources = images.size(2)](const Tensor& grad_loss) -> std::vector<Tensor> {
                  return {mixture_constraint_backward(grad_loss, result, sources)};
                });
}

}  // namespace sunder
