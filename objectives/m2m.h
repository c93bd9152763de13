// Mixture to mixture: training on far-field mixtures with close-talk mixtures as weak supervision (arXiv 2402.09313).
#pragma once

#include "objectives/fcp.h"

namespace sunder {

struct M2mOptions {
  FcpConfig fcp = {};
  double alpha = 1;  // weight of the far-field microphones: 1 for six of them, 1/7 for one
  // Weight of isms (tensor/ops/isms.h) at the far-field microphones, times alpha; 0 in the paper. Without it the loss
  // ignores the permutation of the speakers in each bin. The paper's networks learn one permutation for all bins
  // anyway; small networks take long to (docs/results.md).
  double gamma = 0;
  // Weight of pit_spectra_snr_loss (objectives/pit.h) against the close_talk_targets, in m2m_step. It ties the bins of
  // a speaker together: the mixture constraint is the same for any permutation of the speakers within a bin, and so are
  // all losses of filtered estimates in effect, since the filter of a bin whose output holds the wrong speaker is near
  // zero, and with it the gradient. So this one holds the estimates themselves. 0 in the paper.
  double anchor = 0;
};
// All but the filters, which have their own section.
Fields fields(M2mOptions& options);

// The mixture-constraint loss (tensor/ops/mixture_constraint.h) of the estimates' images at every microphone: SUM over
// the close-talk microphones plus alpha times the SUM over the far-field ones, MEAN over the utterances of the batch.
// No permutation: estimates are not assigned to speakers.
// estimates: (B, S, T, F) complex, far: (B, P, T, F), close: (B, C, T, F) of the same type, at any level; returns one
// value. `failures`: as in tensor/ops/fcp.h. The gradient flows into the estimates only. Throws Error for other shapes
// and types and for a batch without utterances.
Variable m2m_loss(const Variable& estimates, const Tensor& far, const Tensor& close, const M2mOptions& options,
                  const Tensor& failures = {});

// The close-talk mixtures as the first far-field microphone hears them: each by FCP with the far-field taps. close:
// (B, C, T, F) complex, far: (B, P, T, F) of the same type -> (B, C, T, F). `failures`: as in tensor/ops/fcp.h.
Tensor close_talk_targets(const Tensor& close, const Tensor& far, const FcpConfig& fcp, const Tensor& failures = {});

}  // namespace sunder
