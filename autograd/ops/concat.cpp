#include "tensor/ops/concat.h"

#include "autograd/ops.h"
#include "tensor/ops/slice_axis.h"

namespace sunder {

// Every part's gradient is the slice of dy where it was put.
Variable concat(const std::vector<Variable>& parts, int axis) {
  std::vector<Tensor> values;
  for (const Variable& part : parts) values.push_back(part.value());
  std::vector<int64_t> sizes;
  Tensor result = concat(values, axis);
  for (const Tensor& value : values) sizes.push_back(value.size(axis));
  return record("concat", result, parts, [sizes, axis](const Tensor& grad) {
    std::vector<Tensor> grads;
    int64_t begin = 0;
    for (int64_t size : sizes) {
      grads.push_back(slice_axis(grad, axis, begin, begin + size));
      begin += size;
    }
    return grads;
  });
}

}  // namespace sunder
