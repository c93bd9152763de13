// The signals of one separated item, and their channels.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace sunder {

struct ScoredSignals {
  Tensor references, estimates;           // (S, L), (K, L), K >= S; (S, M, L), (K, M, L) of M channels
  Tensor mixture;                         // (L), or (M, L); undefined without one
  int sample_rate = 0;                    // Hz
  std::vector<std::string> sources = {};  // their names; empty: s1, s2, ...
  bool matched = false;                   // output s is that of source s: no permutation
  Tensor recording = {};                  // (P, L) float32 at all microphones, where AuxIVA is scored
};

std::vector<std::string> numbered_sources(int64_t count);  // s1, s2, ...

// The same signals in float64 as (N, M, L), the mixture as (1, M, L), with names. Throws Error for other shapes, for
// samples that are not finite, and for peaks whose squares a double cannot hold.
ScoredSignals checked_signals(const ScoredSignals& signals);

// Of signals (N, M, L) float64: all channels of one, one after the other; one channel of one.
std::span<const double> signal_row(const Tensor& signals, int64_t index);
std::span<const double> channel_row(const Tensor& signals, int64_t index, int64_t channel);
// One channel of all, (N, L), and the reverse, M times (N, L) -> (N, M, L).
Tensor channel_of(const Tensor& signals, int64_t channel);
Tensor from_channels(const std::vector<Tensor>& channels);

// Rows of signals (N, ...) in another order.
Tensor chosen_rows(const Tensor& signals, const std::vector<int64_t>& rows);

// The channels in which a reference is not silent.
std::vector<int64_t> heard_channels(const Tensor& references, int64_t source);
// Names the references that hold only zeros; empty if none does.
std::string silent_references(const Tensor& references, const std::vector<std::string>& sources);

}  // namespace sunder
