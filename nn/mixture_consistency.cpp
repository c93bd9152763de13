#include "nn/mixture_consistency.h"

#include "autograd/ops.h"

namespace sunder {

Fields consistency_fields(bool* mixture_consistency) {
  return {flag("mixture_consistency", mixture_consistency,
               "add an equal share of what the estimates miss of the mixture to each of them")};
}

Variable mixture_consistent(const Variable& estimates, const Tensor& mixture) {
  const Shape& shape = estimates.shape();
  const Variable missing =
      subtract(Variable(mixture.reshape({shape[0], 1, shape[2]})), sum(estimates, {1}, /*keepdim=*/true));
  return add(estimates, scale(missing, 1 / static_cast<double>(shape[1])));
}

}  // namespace sunder
