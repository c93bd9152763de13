#include "tensor/ops/prelu_norm_depthwise.h"

#include "autograd/ops.h"

namespace sunder {

// The chain rule through depthwise_conv1d, global_norm and prelu (each derived in its own file). Saved: x and the
// moments; PReLU and norm are recomputed from them.
Variable prelu_norm_depthwise(const Variable& x, const Variable& slope, const Variable& gain, const Variable& bias,
                              const Variable& weight, const Variable& conv_bias, int64_t dilation, double eps) {
  const PreluNormDepthwiseInputs in{x.value(),    slope.value(),  gain.value(),
                                    bias.value(), weight.value(), conv_bias.value()};
  PreluNormDepthwiseResult result = prelu_norm_depthwise(in, dilation, eps);
  return record("prelu_norm_depthwise", result.y, {x, slope, gain, bias, weight, conv_bias},
                [in, moments = result.moments, dilation](const Tensor& grad_y) -> std::vector<Tensor> {
                  PreluNormDepthwiseInputs d = prelu_norm_depthwise_backward(grad_y, in, moments, dilation);
                  return {d.x, d.slope, d.gain, d.bias, d.weight, d.conv_bias};
                });
}

}  // namespace sunder
