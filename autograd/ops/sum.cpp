#include "tensor/ops/sum.h"

#include "autograd/ops.h"
#include "tensor/ops/binary.h"

namespace sunder {

// Every term enters with weight one: dx is dy, broadcast over the axes that were summed.
Variable sum(const Variable& x, const std::vector<int>& axes, bool keepdim) {
  Shape keepdim_shape = x.shape();  // the shape of the sum with keepdim
  if (axes.empty()) keepdim_shape.assign(keepdim_shape.size(), 1);
  Tensor total = sum(x.value(), axes, keepdim);
  for (int axis : axes) keepdim_shape[axis < 0 ? axis + x.value().dim() : axis] = 1;
  return record("sum", total, {x}, [keepdim_shape, shape = x.shape()](const Tensor& grad) -> std::vector<Tensor> {
    return {broadcast_to(grad.reshape(keepdim_shape), shape)};
  });
}

Variable mean(const Variable& x, const std::vector<int>& axes, bool keepdim) {
  const Variable total = sum(x, axes, keepdim);
  return scale(total, static_cast<double>(total.value().numel()) / static_cast<double>(x.value().numel()));
}

}  // namespace sunder
