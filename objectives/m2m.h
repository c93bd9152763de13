// Mixture to mixture: training on far-field mixtures with close-talk mixtures as weak supervision (arXiv 2402.09313).
#pragma once

#include "objectives/fcp.h"

namespace sunder {

struct M2mOptions {
  FcpConfig fcp = {};
  double alpha = 1;  // weight of the far-field microphones: 1 for six of them, 1/7 for one
  // Of isms (tensor/ops/isms.h) at the far-field microphones, times alpha. The paper has none: the loss is the same
  // whichever estimate a bin's speakers are in, and its networks learn on their own to keep a speaker together. Small
  // ones take long to (docs/results.md).
  double gamma = 0;
};
// All but the filters, which have a section of their own.
Fields fields(M2mOptions& options);

// The mixture-constraint loss (tensor/ops/mixture_constraint.h) of all estimates' images, filtered at every microphone:
// SUM over the close-talk microphones plus alpha times the SUM over the far-field ones, MEAN over the utterances of the
// batch. No permutation: which estimate is which speaker stays open.
// estimates: (B, S, T, F) complex, far: (B, P, T, F), close: (B, C, T, F) of the same type, at any level of their own;
// returns one value. `failures`: as in tensor/ops/fcp.h. The gradient flows into the estimates only. Throws Error for
// other shapes and types and for a batch without utterances.
Variable m2m_loss(const Variable& estimates, const Tensor& far, const Tensor& close, const M2mOptions& options,
                  const Tensor& failures = {});

}  // namespace sunder
