#include "tensor/ops/pit_snr.h"

#include "autograd/ops.h"

namespace sunder {

// With the best permutation p fixed (the minimum of smooth functions has the gradient of the one that attains it), loss
// = (1/S) sum_s (10 / ln 10) ln(R_s + tau E_s) + const, R_s = |e_p(s) - s|^2, so d loss / d e_p(s) = slope_s * 2
// (e_p(s) - s).
Variable pit_snr(const Tensor& references, const Variable& estimates, double snr_max_db) {
  PitSnr result = pit_snr(references, estimates.value(), snr_max_db);
  return record("pit_snr", result.loss, {estimates},
                [references, estimates = estimates.value(), permutation = result.permutation,
                 slope = result.slope](const Tensor& grad_loss) -> std::vector<Tensor> {
                  return {pit_snr_backward(grad_loss, references, estimates, permutation, slope)};
                });
}

}  // namespace sunder
