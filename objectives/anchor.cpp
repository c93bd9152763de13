#include "objectives/anchor.h"

#include "objectives/pit.h"
#include "tensor/ops/slice_axis.h"

namespace sunder {

Tensor close_talk_targets(const Tensor& close, const Tensor& far, const FcpConfig& config, const Tensor& failures) {
  check_dim("close_talk_targets", "close", close, 4);
  check_dim("close_talk_targets", "far", far, 4);
  const Tensor first = slice_axis(far, 1, 0, 1);
  return fcp(close, first, fcp_weight(first, 1, config.xi), config.far, failures).images.reshape(close.shape());
}

Variable anchor_loss(const Variable& estimates, const Tensor& targets, const Stft& stft) {
  check_dim("anchor_loss", "estimates", estimates.value(), 4);
  check_shape("anchor_loss", "targets", targets, {estimates.size(0), estimates.size(1), -1});
  return scale(pit_loss(targets, stft.inverse(estimates, targets.size(2))), 1 / static_cast<double>(targets.size(0)));
}

}  // namespace sunder
