#include "tensor/ops/layer_norm.h"

#include "autograd/ops.h"

namespace sunder {

// With n = (x - mean) * rstd, y = n * gain + bias and g = dy * gain:
//     dgain = sum dy * n,  dbias = sum dy  (over rows),
//     dx = rstd * (g - mean(g) - n * mean(g * n)),
// because mean and rstd depend on x too: the last two terms remove what only changes the row's mean or length.
// x is saved and n recomputed: y does not determine n where a gain is zero.
Variable layer_norm(const Variable& x, const Variable& gain, const Variable& bias, double eps) {
  const LayerNormResult result = layer_norm(x.value(), gain.value(), bias.value(), eps);
  return record("layer_norm", result.y, {x, gain, bias},
                [x = x.value(), gain = gain.value(), mean = result.mean,
                 rstd = result.rstd](const Tensor& grad) -> std::vector<Tensor> {
                  LayerNormGrads grads = layer_norm_backward(grad, x, gain, mean, rstd);
                  return {grads.x, grads.gain, grads.bias};
                });
}

}  // namespace sunder
