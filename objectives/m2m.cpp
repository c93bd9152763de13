#include "objectives/m2m.h"

namespace sunder {

Variable m2m_loss(const Variable& estimates, const Tensor& far, const Tensor& close, const M2mOptions& options,
                  const Tensor& failures) {
  check_dim("m2m_loss", "estimates", estimates.value(), 4);
  if (estimates.size(0) < 1) throw_error("[m2m_loss] expected utterances, got {}", describe(estimates.value()));
  const auto term = [](const Variable& images, const Tensor& mixtures) {
    return sum(mixture_constraint(images, mixtures));
  };
  const Variable at_close = term(close_talk_images(estimates, close, options.close, options.xi, failures), close);
  const Variable at_far = term(far_field_images(estimates, far, options.far, options.xi, failures), far);
  return scale(add(at_close, scale(at_far, options.alpha)), 1 / static_cast<double>(estimates.size(0)));
}

}  // namespace sunder
