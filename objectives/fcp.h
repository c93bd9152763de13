// Images of the estimates at the microphones: forward convolutive prediction (tensor/ops/fcp.h) with the weights of
// M2M.
#pragma once

#include "autograd/ops.h"
#include "files/settings.h"
#include "tensor/ops/fcp_weight.h"

namespace sunder {

// The FCP filters of a loss. The M2M paper's M, N are past and future taps to the far-field microphones, I, J those to
// the close-talk microphones.
struct FcpConfig {
  FcpOptions far = {}, close = {};
  double xi = fcp_weight_xi;  // of the weights (tensor/ops/fcp_weight.h)
};
Fields fields(FcpConfig& config);

// estimates: (B, S, T, F) complex, mixtures: (B, M, T, F) of the same type -> images (B, M, S, T, F). Each close-talk
// microphone has its own weight, from its power; the far-field microphones share one, from their mean power.
// `failures`: as in tensor/ops/fcp.h. The gradient flows into the estimates only.
Variable close_talk_images(const Variable& estimates, const Tensor& mixtures, const FcpOptions& options,
                           double xi = fcp_weight_xi, const Tensor& failures = {});
Variable far_field_images(const Variable& estimates, const Tensor& mixtures, const FcpOptions& options,
                          double xi = fcp_weight_xi, const Tensor& failures = {});

}  // namespace sunder
