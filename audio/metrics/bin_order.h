// Whether a speaker stays in one output in every frequency bin. Losses that filter every bin by itself (M2M, UNSSOR) do
// not see in which output a bin of a speaker lies.
#pragma once

#include <vector>

#include "audio/metrics/score.h"
#include "tensor/tensor.h"

namespace sunder {

inline constexpr double bin_order_frame_seconds = 0.032;  // of the STFT, the next power of two; hop: half of it
inline constexpr int64_t bin_order_most_sources = 8;
// Bins with less energy than this below the loudest bin's, over all references, are not counted.
inline constexpr double bin_order_floor_db = -60;

// Of one source, in the STFT of square-root Hann windows.
struct BinOrderScores {
  // Share of the counted bins in which the source is in its own output: where of all orders of the outputs in this bin
  // its own has the largest energy of the references that scaled outputs explain, the sum over sources of |<s, e>|^2 /
  // |e|^2 over all frames. Orders that explain the same are right.
  Score right;
  Score si_sdr;  // dB, with the best order in every bin
};

// references, estimates: (S, L) float32 or float64 on the CPU, each estimate with its own source. One item a source. No
// score for signals that are not longer than half a frame, or where every reference is silent. Throws Error for other
// shapes and for more sources than bin_order_most_sources.
std::vector<BinOrderScores> bin_order(const Tensor& references, const Tensor& estimates, int sample_rate);

}  // namespace sunder
