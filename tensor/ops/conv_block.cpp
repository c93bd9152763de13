#include "tensor/ops/conv_block.h"

#include "tensor/ops/accumulate.h"
#include "tensor/ops/binary.h"
#include "tensor/ops/depthwise_conv1d.h"
#include "tensor/ops/linear.h"
#include "tensor/ops/prelu_norm_depthwise.h"
#include "tensor/ops/prelu_norm_linear.h"
#include "tensor/ops/residual_skip.h"

namespace sunder {
namespace {

PreluNormDepthwiseInputs middle(const ConvBlock<Tensor>& in, const Tensor& hidden) {
  return {hidden, in.in_slope, in.in_gain, in.in_shift, in.conv_weight, in.conv_bias};
}

PreluNormLinearInputs end(const ConvBlock<Tensor>& in, const Tensor& mixed) {
  return {mixed, in.conv_slope, in.conv_gain, in.conv_shift, in.out_weight, in.out_bias};
}

// Of the skip path.
int64_t skip_channels(const ConvBlock<Tensor>& in, const ConvBlockOptions& options) {
  return in.out_weight.size(0) - (options.residual ? in.x.size(2) : 0);
}

void check(const ConvBlock<Tensor>& in, const ConvBlockOptions& options) {
  const char* op = "conv_block";
  check_tf32(op, in.x, options.tf32);
  check_alike(op, {&in.x, &in.in_weight, &in.out_weight});
  check_parameters(op, in.x,
                   {&in.in_bias, &in.in_slope, &in.in_gain, &in.in_shift, &in.conv_weight, &in.conv_bias,
                    &in.conv_slope, &in.conv_gain, &in.conv_shift, &in.out_bias});
  check_dim(op, "x", in.x, 3);
  check_shape(op, "in_weight", in.in_weight, {-1, in.x.size(2)});
  const int64_t hidden = in.in_weight.size(0);
  for (const auto& [name, of_channel] :
       {std::pair{"in_bias", &in.in_bias}, std::pair{"in_gain", &in.in_gain}, std::pair{"in_shift", &in.in_shift},
        std::pair{"conv_bias", &in.conv_bias}, std::pair{"conv_gain", &in.conv_gain},
        std::pair{"conv_shift", &in.conv_shift}})
    check_shape(op, name, *of_channel, {hidden});
  check_shape(op, "in_slope", in.in_slope, {1});
  check_shape(op, "conv_slope", in.conv_slope, {1});
  check_shape(op, "conv_weight", in.conv_weight, {hidden, 1, -1});
  if (in.conv_weight.size(2) % 2 == 0)
    throw_error("[conv_block] expected conv_weight with an odd number of taps, got {}", describe(in.conv_weight));
  if (options.dilation < 1) throw_error("[conv_block] expected a dilation of at least 1, got {}", options.dilation);
  check_shape(op, "out_weight", in.out_weight, {-1, hidden});
  check_shape(op, "out_bias", in.out_bias, {in.out_weight.size(0)});
  if (skip_channels(in, options) < 0)
    throw_error("[conv_block] expected out_weight with at least {} rows, got {}", in.x.size(2),
                describe(in.out_weight));
  if (!in.skip.defined()) return;
  check_alike(op, {&in.x, &in.skip});
  check_shape(op, "skip", in.skip, {in.x.size(0), in.x.size(1), skip_channels(in, options)});
}

}  // namespace

// Composed of the ops of the block, which dispatch to their own kernels: CUDA comes here too where it has no fused
// kernel.
void cpu::conv_block_forward(const ConvBlock<Tensor>& in, const ConvBlockOptions& options, ConvBlockResult& result) {
  result.hidden = linear(in.x, in.in_weight, in.in_bias, options.tf32);
  PreluNormDepthwiseResult mixed = prelu_norm_depthwise(middle(in, result.hidden), options.dilation, options.eps);
  PreluNormLinearResult out = prelu_norm_linear(end(in, mixed.y), options.tf32, options.eps);
  result.mixed = mixed.y;
  result.hidden_moments = mixed.moments;
  result.mixed_moments = out.moments;
  if (options.residual) {
    const ResidualSkip sums = residual_skip(in.x, in.skip, out.y);
    result.next = sums.next;
    result.skip_sum = sums.skip_sum;
  } else {
    result.skip_sum = in.skip.defined() ? add(in.skip, out.y) : out.y;
  }
}

void cpu::conv_block_backward(const Tensor& grad_next, const Tensor& grad_skip_sum, const ConvBlock<Tensor>& in,
                              const ConvBlockResult& saved, const ConvBlockOptions& options, ConvBlock<Tensor>& grads) {
  const Tensor both = options.residual
                          ? residual_skip_backward(grad_next, grad_skip_sum, in.x.size(2), skip_channels(in, options))
                          : grad_skip_sum;
  const PreluNormLinearInputs out =
      prelu_norm_linear_backward(both, end(in, saved.mixed), saved.mixed_moments, options.tf32);
  const PreluNormDepthwiseInputs conv =
      prelu_norm_depthwise_backward(out.x, middle(in, saved.hidden), saved.hidden_moments, options.dilation);
  LinearGrads first = linear_backward(conv.x, in.x, in.in_weight, true, options.tf32);
  if (grad_next.defined()) sunder::accumulate(first.x, grad_next);
  grads = {first.x,        first.weight, first.bias, conv.slope, conv.gain,  conv.bias,    conv.weight,
           conv.conv_bias, out.slope,    out.gain,   out.bias,   out.weight, out.out_bias, {}};
}

ConvBlockResult conv_block(const ConvBlock<Tensor>& in, const ConvBlockOptions& options) {
  check(in, options);
  ConvBlockResult result;
  SUNDER_DISPATCH(conv_block_forward, in.x.device())(in, options, result);
  return result;
}

ConvBlock<Tensor> conv_block_backward(const Tensor& grad_next, const Tensor& grad_skip_sum, const ConvBlock<Tensor>& in,
                                      const ConvBlockResult& saved, const ConvBlockOptions& options) {
  check(in, options);
  if (grad_next.defined()) check_shape("conv_block_backward", "grad_next", grad_next, in.x.shape());
  if (grad_skip_sum.defined())
    check_shape("conv_block_backward", "grad_skip_sum", grad_skip_sum,
                {in.x.size(0), in.x.size(1), skip_channels(in, options)});
  ConvBlock<Tensor> grads;
  SUNDER_DISPATCH(conv_block_backward, in.x.device())(grad_next, grad_skip_sum, in, saved, options, grads);
  return grads;
}

}  // namespace sunder
