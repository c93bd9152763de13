// A separator applied to mixtures on the CPU, of any length that memory holds.
#pragma once

#include "nn/separator.h"

namespace sunder {

// mixtures: (B, L), or (B, M, L) for several microphones, real, on the CPU, L > 0 -> (B, S, L) in the network's dtype
// on the CPU. Mixtures shorter than the network's minimum are zero-padded and their estimates trimmed. Throws Error for
// estimates that are not finite, which says so where the mixture is too loud.
Tensor separate_batch(const Separator& network, const Tensor& mixtures);

}  // namespace sunder
