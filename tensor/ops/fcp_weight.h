#pragma once

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

inline constexpr double fcp_weight_xi = 1e-4;  // arXiv 2402.09313, IV

// The weights of fcp: lambda = xi * max over t, f of Q + Q, where Q is the mean over a group's microphones of |Y|^2
// (arXiv 2402.09313, eqs. 8-9). The maximum is taken within one item and group. mixtures: (B, M, T, F)
// complex64 or complex128; `groups` divides M, and group g has microphones g M / groups onwards: M groups for
// close-talk microphones, one for far-field ones. Returns (B, groups, T, F) real. A silent group has zeros. Throws
// Error for other shapes and types and for a negative xi.
Tensor fcp_weight(const Tensor& mixtures, int64_t groups, double xi = fcp_weight_xi);

SUNDER_KERNEL(fcp_weight, const Tensor& mixtures, double xi, Tensor& weights)

}  // namespace sunder
