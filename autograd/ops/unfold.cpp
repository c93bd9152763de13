#include "tensor/ops/unfold.h"

#include "autograd/ops.h"

namespace sunder {

// Every element of y is one of x or zero, so dx sums the gradients of its copies: fold. And fold's gradient is unfold.
Variable unfold(const Variable& x, const SlidingWindow& window) {
  return record("unfold", unfold(x.value(), window), {x},
                [steps = x.size(1), bins = x.size(2), window](const Tensor& grad) -> std::vector<Tensor> {
                  return {fold(grad, steps, bins, window)};
                });
}

Variable fold(const Variable& y, int64_t steps, int64_t bins, const SlidingWindow& window) {
  return record("fold", fold(y.value(), steps, bins, window), {y},
                [window](const Tensor& grad) -> std::vector<Tensor> { return {unfold(grad, window)}; });
}

}  // namespace sunder
