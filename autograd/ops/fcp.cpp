#include "tensor/ops/fcp.h"

#include "autograd/ops.h"

namespace sunder {

// For one microphone, with dL = Re sum conj(xbar_t) dX_t and X_t = g^H Z_t: filters alone give Zbar_t = xbar_t g.
// Through A g = b: gbar = sum conj(xbar_t) Z_t and w = A^-1 gbar (A is Hermitian), so dL = Re w^H (db - dA g) with db =
// sum dZ_t conj(Y_t) / lambda_t and dA = sum (dZ_t Z_t^H + Z_t dZ_t^H) / lambda_t, and in all
//   Zbar_t = xbar_t g + ((Y_t - X_t) w - (w^H Z_t) g) / lambda_t.
// The K rows of Zbar_t are added to frames t - past ... t + future. X is recomputed in float64: the residual Y - X
// meets w, which is large where A is nearly singular.
Variable fcp(const Variable& estimates, const Tensor& mixtures, const Tensor& weights, const FcpOptions& options,
             const Tensor& failures) {
  Fcp result = fcp(estimates.value(), mixtures, weights, options, failures);
  const Tensor images = result.images;
  result.images = {};
  if (options.stop_gradient) result.factors = {};
  return record("fcp", images, {estimates},
                [z = estimates.value(), mixtures, weights, result, options](const Tensor& grad) -> std::vector<Tensor> {
                  return {fcp_backward(grad, z, mixtures, weights, result, options)};
                });
}

}  // namespace sunder
