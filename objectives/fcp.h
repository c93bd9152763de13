// Images of estimates at microphones: forward convolutive prediction (tensor/ops/fcp.h) with the weights of M2M.
#pragma once

#include "autograd/ops.h"

namespace sunder {

// xi of the weights xi max(Q) + Q (arXiv 2402.09313, IV).
inline constexpr double fcp_xi = 1e-4;

// estimates: (B, S, T, F) complex, mixtures: (B, M, T, F) of the same type -> images (B, M, S, T, F). Close-talk
// microphones have a weight each, from their own power; far-field ones share one, of their mean power. `failures`: as
// in tensor/ops/fcp.h. The gradient flows into the estimates only.
Variable close_talk_images(const Variable& estimates, const Tensor& mixtures, const FcpOptions& options,
                           double xi = fcp_xi, const Tensor& failures = {});
Variable far_field_images(const Variable& estimates, const Tensor& mixtures, const FcpOptions& options,
                          double xi = fcp_xi, const Tensor& failures = {});

// What a recording is separated into: the images at far-field microphone `reference`, (B, S, T, F); one filter for all
// of the recording, weighted by the power of all its microphones. mixtures: (B, P, T, F). Throws Error for a microphone
// that is not there.
Tensor fcp_image(const Tensor& estimates, const Tensor& mixtures, int64_t reference, const FcpOptions& options,
                 double xi = fcp_xi, const Tensor& failures = {});

}  // namespace sunder
