#include "tensor/ops/conv_block.h"

#include "autograd/ops.h"

namespace sunder {

// The chain rule through residual_skip, prelu_norm_linear, prelu_norm_depthwise and linear (each derived in its own
// file); x has a gradient from next, too. Saved: x, h, y and the moments of both norms.
std::vector<Variable> conv_block(const ConvBlock<Variable>& in, const ConvBlockOptions& options) {
  const ConvBlock<Tensor> values{
      in.x.value(),          in.in_weight.value(),   in.in_bias.value(),   in.in_slope.value(),   in.in_gain.value(),
      in.in_shift.value(),   in.conv_weight.value(), in.conv_bias.value(), in.conv_slope.value(), in.conv_gain.value(),
      in.conv_shift.value(), in.out_weight.value(),  in.out_bias.value(),  in.skip.value()};
  ConvBlockResult result = conv_block(values, options);
  std::vector<Tensor> outputs{result.skip_sum};
  if (options.residual) outputs.insert(outputs.begin(), result.next);
  // Backward needs neither the outputs nor skip.
  ConvBlock<Tensor> used = values;
  used.skip = result.next = result.skip_sum = {};
  return record_many("conv_block", outputs, in.list(),
                     [used, saved = result, options](const std::vector<Tensor>& grads) {
                       const Tensor grad_next = options.residual ? grads[0] : Tensor();
                       ConvBlock<Tensor> back = conv_block_backward(grad_next, grads.back(), used, saved, options);
                       back.skip = grads.back();
                       return back.list();
                     });
}

}  // namespace sunder
