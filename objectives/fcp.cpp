#include "objectives/fcp.h"

#include "tensor/ops/fcp_weight.h"
#include "tensor/ops/slice_axis.h"

namespace sunder {

Variable close_talk_images(const Variable& estimates, const Tensor& mixtures, const FcpOptions& options, double xi,
                           const Tensor& failures) {
  check_dim("close_talk_images", "mixtures", mixtures, 4);
  return fcp(estimates, mixtures, fcp_weight(mixtures, mixtures.size(1), xi), options, failures);
}

Variable far_field_images(const Variable& estimates, const Tensor& mixtures, const FcpOptions& options, double xi,
                          const Tensor& failures) {
  return fcp(estimates, mixtures, fcp_weight(mixtures, 1, xi), options, failures);
}

Tensor fcp_image(const Tensor& estimates, const Tensor& mixtures, int64_t reference, const FcpOptions& options,
                 double xi, const Tensor& failures) {
  check_dim("fcp_image", "mixtures", mixtures, 4);
  if (reference < 0 || reference >= mixtures.size(1))
    throw_error("[fcp_image] expected a reference below the {} microphones, got {}", mixtures.size(1), reference);
  const Tensor weights = fcp_weight(mixtures, 1, xi);
  return fcp(estimates, slice_axis(mixtures, 1, reference, reference + 1), weights, options, failures)
      .images.reshape(estimates.shape());
}

}  // namespace sunder
