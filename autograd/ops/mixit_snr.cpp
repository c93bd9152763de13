#include "tensor/ops/mixit_snr.h"

#include "autograd/ops.h"

namespace sunder {

// With the best assignment fixed, loss = (1/M) sum_m (10 / ln 10) ln(R_m + tau E_m) + const, R_m = |sum of its e_s -
// x_m|^2, so d loss / d e_s = slope_m * 2 (sum of the estimates of m - x_m) with m the mixture of s.
Variable mixit_snr(const Tensor& mixtures, const Variable& estimates, double snr_max_db) {
  MixitSnr result = mixit_snr(mixtures, estimates.value(), snr_max_db);
  return record("mixit_snr", result.loss, {estimates},
                [mixtures, estimates = estimates.value(), mixture_of = result.mixture_of,
                 slope = result.slope](const Tensor& grad_loss) -> std::vector<Tensor> {
                  return {mixit_snr_backward(grad_loss, mixtures, estimates, mixture_of, slope)};
                });
}

}  // namespace sunder
