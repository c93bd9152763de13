#pragma once

#include "autograd/ops.h"

namespace sunder {

// Permutation-invariant negative SI-SNR without mean removal: mean over the sources, SUM over the batch, dB.
// Composed. Signals' energies never count as less than 1e-8, so silent references and estimates give finite losses and
// gradients. The permutation is chosen on the host: no part of a captured graph.
// references, estimates: (B, S, L), S = 1 ... 6; returns one value. The gradient flows into the estimates only.
// Throws Error for other shapes and more sources.
Variable si_snr_loss(const Tensor& references, const Variable& estimates);

}  // namespace sunder
