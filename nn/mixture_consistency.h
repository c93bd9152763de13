// Estimates that add up to the mixture (Wisdom et al., "Differentiable consistency constraints for improved deep speech
// enhancement", 2019, eq. 8 with equal weights).
#pragma once

#include "autograd/variable.h"
#include "files/settings.h"

namespace sunder {

// The key mixture_consistency of any configuration.
Fields consistency_fields(bool* mixture_consistency);

// The nearest signals that add up to the mixture: each estimate plus an equal share of what they miss.
// estimates: (B, S, L); mixture: (B, L), no gradient; returns (B, S, L).
Variable mixture_consistent(const Variable& estimates, const Tensor& mixture);

}  // namespace sunder
