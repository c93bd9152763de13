// Images of estimates at microphones: forward convolutive prediction (tensor/ops/fcp.h) with the weights of M2M.
#pragma once

#include "autograd/ops.h"
#include "files/settings.h"
#include "tensor/ops/fcp_weight.h"

namespace sunder {

// The filters of a loss: to the far-field microphones and to the close-talk ones. The M2M paper's taps M, N are past
// and future of the former, I, J of the latter.
struct FcpConfig {
  FcpOptions far = {}, close = {};
  double xi = fcp_weight_xi;  // of the weights (tensor/ops/fcp_weight.h)
};
Fields fields(FcpConfig& config);

// estimates: (B, S, T, F) complex, mixtures: (B, M, T, F) of the same type -> images (B, M, S, T, F). Close-talk
// microphones have a weight each, from their own power; far-field ones share one, of their mean power. `failures`: as
// in tensor/ops/fcp.h. The gradient flows into the estimates only.
Variable close_talk_images(const Variable& estimates, const Tensor& mixtures, const FcpOptions& options,
                           double xi = fcp_weight_xi, const Tensor& failures = {});
Variable far_field_images(const Variable& estimates, const Tensor& mixtures, const FcpOptions& options,
                          double xi = fcp_weight_xi, const Tensor& failures = {});

}  // namespace sunder
