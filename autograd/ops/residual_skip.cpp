#include "tensor/ops/residual_skip.h"

#include "autograd/ops.h"

namespace sunder {

// Two plain sums: every gradient is a copy of its output's.
std::vector<Variable> residual_skip(const Variable& x, const Variable& skip, const Variable& both) {
  ResidualSkip result = residual_skip(x.value(), skip.value(), both.value());
  const int64_t channels = x.size(-1), skips = both.size(-1) - channels;
  std::vector<Variable> inputs{x, both};
  if (skip.defined()) inputs.push_back(skip);
  return record_many("residual_skip", {result.next, result.skip_sum}, inputs,
                     [channels, skips, has_skip = skip.defined()](const std::vector<Tensor>& grads) {
                       std::vector<Tensor> back{grads[0], residual_skip_backward(grads[0], grads[1], channels, skips)};
                       if (has_skip) back.push_back(grads[1]);
                       return back;
                     });
}

}  // namespace sunder
