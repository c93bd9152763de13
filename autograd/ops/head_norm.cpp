#include "tensor/ops/head_norm.h"

#include "autograd/ops.h"

namespace sunder {

// The chain rule through PReLU and a layer norm over a head's vector (each derived in its own file): with n the normed
// vector and g = gain dy, d = rstd (g - mean(g) - n mean(g n)); dx = d where x > 0, else slope d; dslope = sum of d x
// where x <= 0; dgain and dbias are sums over frames. x is saved, n is recomputed.
Variable head_norm(const Variable& x, const Variable& slope, const Variable& gain, const Variable& bias, double eps) {
  const HeadNormResult result = head_norm(x.value(), slope.value(), gain.value(), bias.value(), eps);
  return record("head_norm", result.y, {x, slope, gain, bias},
                [x = x.value(), slope = slope.value(), gain = gain.value(),
                 moments = result.moments](const Tensor& grad_y) -> std::vector<Tensor> {
                  HeadNormGrads grads = head_norm_backward(grad_y, x, slope, gain, moments);
                  return {grads.x, grads.slope, grads.gain, grads.bias};
                });
}

}  // namespace sunder
