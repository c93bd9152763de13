#include "tensor/ops/depthwise_conv1d.h"

#include "autograd/ops.h"

namespace sunder {

// y[t] = b + sum_k w_k x[t + o_k] per channel, so dx[t] = sum_k w_k dy[t - o_k], dw_k = sum_t dy[t] x[t + o_k],
// db = sum_t dy[t]; frames outside are zero.
Variable depthwise_conv1d(const Variable& x, const Variable& weight, const Variable& bias, int64_t dilation) {
  return record("depthwise_conv1d", depthwise_conv1d(x.value(), weight.value(), bias.value(), dilation),
                {x, weight, bias},
                [x = x.value(), weight = weight.value(), dilation](const Tensor& grad_y) -> std::vector<Tensor> {
                  DepthwiseConv1dGrads grads = depthwise_conv1d_backward(grad_y, x, weight, dilation);
                  return {grads.x, grads.weight, grads.bias};
                });
}

}  // namespace sunder
