#include "nn/remove_mean.h"

#include "tensor/ops/binary.h"
#include "tensor/ops/pointwise.h"
#include "tensor/ops/sum.h"

namespace sunder {

Tensor remove_mean(const Tensor& x) {
  const Tensor rows = x.reshape({x.size(0), -1});
  return subtract(rows, scale(sum(rows, {1}, true), 1 / static_cast<double>(rows.size(1)))).reshape(x.shape());
}

}  // namespace sunder
