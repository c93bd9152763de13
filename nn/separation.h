// A separator applied to signals of any length.
#pragma once

#include <vector>

#include "audio/progress.h"
#include "nn/separator.h"

namespace sunder {

// How a long signal is cut, in samples at the network's rate: chunks of one length, evenly spaced, that overlap by at
// least `overlap`. A signal of at most `length` samples is separated whole.
struct Chunks {
  int64_t length = 240000;
  int64_t overlap = 32000;
};

// Where the chunks of a signal begin. Throws Error unless 0 <= overlap < length.
std::vector<int64_t> chunk_starts(int64_t samples, const Chunks& chunks);

// mixtures: (B, L), or (B, M, L) for several microphones, real, on the CPU, L > 0 -> (B, S, L) in the network's dtype
// on the CPU. Mixtures shorter than the network's minimum are zero-padded and their estimates trimmed. Throws Error for
// estimates that are not finite, which says so where the mixture is too loud.
Tensor separate_batch(const Separator& network, const Tensor& mixtures);

// recording: M signals of one length at the network's rate, one per input microphone -> S signals of the same length.
// The network's memory depends on the chunk length only. The order of the outputs may differ between chunks: each chunk
// is matched to the signals so far by the largest sum of inner products (the least squared difference) over the
// overlap, then cross-faded linearly. `progress` counts samples.
std::vector<std::vector<float>> separate_signal(const Separator& network,
                                                const std::vector<std::vector<float>>& recording, const Chunks& chunks,
                                                const Progress& progress = {});

}  // namespace sunder
