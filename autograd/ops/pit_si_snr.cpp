#include "tensor/ops/pit_si_snr.h"

#include "autograd/ops.h"

namespace sunder {

// With the best permutation fixed, loss = (1/S) sum_s f(P, d), P = |e|^2 and d = <r, e> of signals without their means.
// With k = 10 / ln 10, A = S + tau N and B = N + tau S (tensor/ops/si_snr.h): f = k (ln B - ln A), N = P - S,
// S = d^2 / E, so df/dS = -k (1 - tau) (1/A + 1/B), df/dP = k (1/B - tau/A), and
// df/de = 2 df/dP (e - mean e) + 2 (d / E) df/dS (r - mean r): removing the mean is its own adjoint.
Variable pit_si_snr(const Tensor& references, const Variable& estimates) {
  PitSiSnr result = pit_si_snr(references, estimates.value());
  return record("pit_si_snr", result.loss, {estimates},
                [references, estimates = estimates.value(), result](const Tensor& grad_loss) -> std::vector<Tensor> {
                  return {pit_si_snr_backward(grad_loss, references, estimates, result)};
                });
}

}  // namespace sunder
