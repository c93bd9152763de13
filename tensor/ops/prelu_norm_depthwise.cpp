#include "tensor/ops/prelu_norm_depthwise.h"

#include "tensor/ops/depthwise_conv1d.h"
#include "tensor/ops/depthwise_conv1d_cpu.h"
#include "tensor/ops/global_norm_cpu.h"

namespace sunder {
namespace cpu {

void prelu_norm_depthwise_forward(const PreluNormDepthwiseInputs& in, int64_t dilation, double eps, Tensor& y,
                                  Tensor& moments) {
  visit_real("prelu_norm_depthwise", in.x.dtype(), [&]<class T>() {
    Depthwise<T> conv(in.x, in.weight, dilation);
    conv.bias = in.conv_bias.data<T>();
    const T slope = in.slope.data<T>()[0];
    norm_moments(in.x.data<T>(), slope, in.x.size(0), conv.frames, conv.channels, eps, moments.mutable_data<T>());
    for_chunks(in.x.size(0), conv.frames, [&](int64_t item, int64_t, int64_t begin, int64_t end) {
      const NormAffine<T> norm(in.gain.data<T>(), in.bias.data<T>(), moments.data<T>() + 2 * item, conv.channels);
      const int64_t at = item * conv.frames * conv.channels;
      conv.forward(in.x.data<T>() + at, slope, norm.scale.data(), norm.shift.data(), y.mutable_data<T>() + at, begin,
                   end);
    });
  });
}

void prelu_norm_depthwise_backward(const Tensor& grad_y, const PreluNormDepthwiseInputs& in, const Tensor& moments,
                                   int64_t dilation, PreluNormDepthwiseInputs& grads) {
  visit_real("prelu_norm_depthwise", in.x.dtype(), [&]<class T>() {
    const Depthwise<T> conv(in.x, in.weight, dilation);
    const T slope = in.slope.data<T>()[0];
    const int64_t items = in.x.size(0), row = (conv.kernel + 1) * conv.channels;
    std::vector<T> sums(items * chunks_per_item(conv.frames) * row, T(0));
    T* dn = grads.x.mutable_data<T>();  // the norm's gradient first, turned into that of x in place
    for_chunks(items, conv.frames, [&](int64_t item, int64_t chunk, int64_t begin, int64_t end) {
      const NormAffine<T> norm(in.gain.data<T>(), in.bias.data<T>(), moments.data<T>() + 2 * item, conv.channels);
      const int64_t at = item * conv.frames * conv.channels;
      conv.backward(grad_y.data<T>() + at, in.x.data<T>() + at, slope, norm.scale.data(), norm.shift.data(), dn + at,
                    &sums[chunk * row], begin, end);
    });
    conv.finish(sums, grads.weight.mutable_data<T>(), grads.conv_bias.mutable_data<T>());
    norm_backward(dn, in.x.data<T>(), slope, in.gain.data<T>(), moments.data<T>(), items, conv.frames, conv.channels, dn,
                  grads.slope.mutable_data<T>(), grads.gain.mutable_data<T>(), grads.bias.mutable_data<T>());
  });
}

}  // namespace cpu

PreluNormDepthwiseResult prelu_norm_depthwise(const PreluNormDepthwiseInputs& in, int64_t dilation, double eps) {
  const char* op = "prelu_norm_depthwise";
  check_depthwise(op, in.x, in.weight, in.conv_bias, dilation);
  check_parameters(op, in.x, {&in.slope, &in.gain, &in.bias});
  check_shape(op, "slope", in.slope, {1});
  check_shape(op, "gain", in.gain, {in.x.size(2)});
  check_shape(op, "bias", in.bias, {in.x.size(2)});
  PreluNormDepthwiseResult result{Tensor::empty_like(in.x),
                                  Tensor::empty({in.x.size(0), 2}, compute_dtype(in.x.dtype()), in.x.stream())};
  SUNDER_DISPATCH(prelu_norm_depthwise_forward, in.x.device())(in, dilation, eps, result.y, result.moments);
  return result;
}

PreluNormDepthwiseInputs prelu_norm_depthwise_backward(const Tensor& grad_y, const PreluNormDepthwiseInputs& in,
                                                       const Tensor& moments, int64_t dilation) {
  check_alike("prelu_norm_depthwise_backward", {&grad_y, &in.x});
  check_parameters("prelu_norm_depthwise_backward", in.x, {&moments});
  check_shape("prelu_norm_depthwise_backward", "grad_y", grad_y, in.x.shape());
  const auto like = [](const Tensor& tensor) { return Tensor::empty_like(tensor); };
  PreluNormDepthwiseInputs grads{like(in.x),    like(in.slope),  like(in.gain),
                                 like(in.bias), like(in.weight), like(in.conv_bias)};
  SUNDER_DISPATCH(prelu_norm_depthwise_backward, in.x.device())(grad_y, in, moments, dilation, grads);
  return grads;
}

}  // namespace sunder
