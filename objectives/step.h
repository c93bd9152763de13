// One loss per method on a batch of mixtures, network included: what a training program and the benchmark both run.
// Every loss is the mean over an item's targets and the SUM over the network's inputs, dB.
#pragma once

#include "nn/separator.h"

namespace sunder {

// references: (B, S, L), mixtures: (B, L).
Variable pit_step(const Separator& network, const Tensor& references, const Tensor& mixtures);
// first, second: (B, L), mixtures of two mini-batches; the network sees first + second, item by item.
Variable mixit_step(const Separator& network, const Tensor& first, const Tensor& second);
Variable mixpit_step(const Separator& network, const Tensor& first, const Tensor& second);
// mixtures: (B, L), B even; swap: (B) int64 (swap_flags). Teacher and student are the same parameters.
Variable mixcycle_step(const Separator& network, const Tensor& mixtures, const Tensor& swap);

}  // namespace sunder
