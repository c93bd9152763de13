#include "objectives/m2m.h"

namespace sunder {

Variable m2m_loss(const Variable& estimates, const Tensor& far, const Tensor& close, const M2mOptions& options,
                  const Tensor& failures) {
  check_dim("m2m_loss", "estimates", estimates.value(), 4);
  if (estimates.size(0) < 1) throw_error("[m2m_loss] expected utterances, got {}", describe(estimates.value()));
  const Variable close_images = close_talk_images(estimates, close, options.close, options.xi, failures);
  const Variable far_images = far_field_images(estimates, far, options.far, options.xi, failures);
  const Variable at_close = sum(mixture_constraint(close_images, close));
  Variable at_far = sum(mixture_constraint(far_images, far));
  if (options.gamma > 0) at_far = add(at_far, scale(sum(isms(far_images, far)), options.gamma));
  return scale(add(at_close, scale(at_far, options.alpha)), 1 / static_cast<double>(estimates.size(0)));
}

}  // namespace sunder
