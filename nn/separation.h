// A separator applied to signals of any length.
#pragma once

#include <vector>

#include "audio/progress.h"
#include "nn/separator.h"

namespace sunder {

// How a long signal is cut, in samples at the network's rate: chunks of one length, evenly spread, that overlap by at
// least `overlap`. A signal of at most `length` samples is separated whole.
struct Chunks {
  int64_t length = 240000;
  int64_t overlap = 32000;
};

// Where the chunks of a signal begin. Throws Error unless 0 <= overlap < length.
std::vector<int64_t> chunk_starts(int64_t samples, const Chunks& chunks);

// mixtures: (B, L), of several microphones (B, M, L), real on the CPU, L > 0 -> (B, S, L) in the network's dtype on the
// CPU. What is shorter than the network can take is padded with zeros and cut again. Throws Error for estimates that
// are not finite.
Tensor separate_batch(const Separator& network, const Tensor& mixtures);

// One recording at the network's rate, M signals of one length, one for each microphone that the network hears -> S
// signals as long. Memory for the network depends on the chunks alone. Which output is which may change from chunk to
// chunk: each is matched to what is there already by the largest sum of inner products (the least squared difference)
// over the overlap, and faded in linearly. `progress` counts samples.
std::vector<std::vector<float>> separate_signal(const Separator& network,
                                                const std::vector<std::vector<float>>& recording, const Chunks& chunks,
                                                const Progress& progress = {});

}  // namespace sunder
