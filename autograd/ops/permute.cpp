#include "tensor/ops/permute.h"

#include "autograd/ops.h"

namespace sunder {

// Every element goes to one place: dx is dy with the inverse permutation.
Variable permute(const Variable& x, const std::vector<int>& axes) {
  Tensor y = permute(x.value(), axes);
  std::vector<int> back(axes.size());
  for (int k = 0; k < static_cast<int>(axes.size()); ++k) back[axes[k] < 0 ? axes[k] + x.value().dim() : axes[k]] = k;
  return record("permute", y, {x}, [back](const Tensor& grad) -> std::vector<Tensor> { return {permute(grad, back)}; });
}

// No element moves.
Variable reshape(const Variable& x, const Shape& shape) {
  return record("reshape", x.value().reshape(shape), {x},
                [shape = x.shape()](const Tensor& grad) -> std::vector<Tensor> { return {grad.reshape(shape)}; });
}

}  // namespace sunder
