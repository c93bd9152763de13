#include "tensor/ops/global_norm.h"

#include "autograd/ops.h"

namespace sunder {

// With xh = (x - mu) r over N elements: dxh = gain dy; mu and r depend on every x, which takes the mean of dxh and the
// part of dxh along xh out of it: dx = r (dxh - mean(dxh) - xh mean(dxh xh)).
Variable global_norm(const Variable& x, const Variable& gain, const Variable& bias, double eps) {
  GlobalNormResult result = global_norm(x.value(), gain.value(), bias.value(), eps);
  return record("global_norm", result.y, {x, gain, bias},
                [x = x.value(), gain = gain.value(), moments = result.moments, wants_x = x.requires_grad()](
                    const Tensor& grad_y) -> std::vector<Tensor> {
                  GlobalNormGrads grads = global_norm_backward(grad_y, x, gain, moments, wants_x);
                  return {grads.x, grads.gain, grads.bias};
                });
}

}  // namespace sunder
