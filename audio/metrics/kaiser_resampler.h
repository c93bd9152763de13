// Sample-rate conversion by the polyphase filter that metrics prescribe (for audio: audio/resample.h).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sunder {

// Octave's `resample`: with the rates reduced to to / from = p / q, a sinc of cut-off f = 1 / (2 max(p, q)) cycles per
// sample at p times the old rate, ceil((R - 8) / (28.714 f / 10)) samples to each side for a rejection of R = 60 dB,
// under a Kaiser window of beta 0.1102 (R - 8.7), scaled to a sum of p, without delay. Kaiser's formulas: Oppenheim and
// Schafer, "Discrete-Time Signal Processing".
class KaiserResampler {
 public:
  // Throws Error for a rate outside 1 .. 192000 Hz.
  KaiserResampler(int from, int to);

  // signal: (L), times `gain` -> (ceil(L p / q)); with zeros before and after it. Equal rates return a copy.
  std::vector<double> operator()(std::span<const double> signal, double gain = 1) const;

 private:
  int64_t up_, down_, taps_ = 0;
  std::vector<double> phases_;  // (p, taps), in the order of the samples
  std::vector<int64_t> first_;  // (p): the first of these samples, counted from floor(n q / p)
};

}  // namespace sunder
