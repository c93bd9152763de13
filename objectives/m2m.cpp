#include "objectives/m2m.h"

#include "tensor/ops/slice_axis.h"

namespace sunder {

Fields fields(M2mOptions& o) {
  return {number("alpha", &o.alpha, 0, 1e6, "weight of the far-field terms"),
          number("gamma", &o.gamma, 0, 1e6,
                 "weight of UNSSOR's magnitude scattering (ISMS) in these terms; 0 in the paper"),
          number("anchor", &o.anchor, 0, 1e6,
                 "weight of the SNR of the estimates against the close-talk mixtures as the array hears them, dB; 0 in "
                 "the paper")};
}

Variable m2m_loss(const Variable& estimates, const Tensor& far, const Tensor& close, const M2mOptions& options,
                  const Tensor& failures) {
  check_dim("m2m_loss", "estimates", estimates.value(), 4);
  if (estimates.size(0) < 1)
    throw_error("[m2m_loss] expected at least one utterance, got {}", describe(estimates.value()));
  const Variable close_images = close_talk_images(estimates, close, options.fcp.close, options.fcp.xi, failures);
  const Variable far_images = far_field_images(estimates, far, options.fcp.far, options.fcp.xi, failures);
  const Variable at_close = sum(mixture_constraint(close_images, close));
  Variable at_far = sum(mixture_constraint(far_images, far));
  if (options.gamma > 0) at_far = add(at_far, scale(sum(isms(far_images, far)), options.gamma));
  return scale(add(at_close, scale(at_far, options.alpha)), 1 / static_cast<double>(estimates.size(0)));
}

Tensor close_talk_targets(const Tensor& close, const Tensor& far, const FcpConfig& config, const Tensor& failures) {
  check_dim("close_talk_targets", "close", close, 4);
  check_dim("close_talk_targets", "far", far, 4);
  const Tensor first = slice_axis(far, 1, 0, 1);
  return fcp(close, first, fcp_weight(first, 1, config.xi), config.far, failures).images.reshape(close.shape());
}

}  // namespace sunder
