// SDR, SIR and SAR of BSS-eval version 3 (Vincent, Gribonval and Fevotte, "Performance measurement in blind audio
// source separation", IEEE Trans. Audio, Speech and Language Processing 14, 2006), as mir_eval's bss_eval_sources gives
// them.
#pragma once

#include <cstdint>
#include <vector>

#include "audio/metrics/score.h"
#include "tensor/tensor.h"

namespace sunder {

struct BssScores {
  Score sdr, sir, sar;  // dB
};

struct BssParts {
  bool sdr = true;
  bool interference = true;  // SIR and SAR, which need the filters of all references together
};

// Every output as the estimate of every source. With P the projection on the span of the source's reference delayed by
// 0, ..., N - 1 samples and Q the one on the span of all references' delayed copies, signals followed by N - 1 zeros:
//   SDR = |P e|^2 / |e - P e|^2,  SIR = |P e|^2 / |Q e - P e|^2,  SAR = |Q e|^2 / |e - Q e|^2,  all as 10 log10.
// references: (S, L), estimates: (K, L), float32 or float64 on the CPU; filter_length: N samples. Returns S * K scores,
// [source][output]; never NaN, but +infinity for an exact copy. From 100 dB on, a value only means "100 dB or more".
// One reference: SIR is +infinity and SAR equals SDR. A silent reference or estimate has no scores, and a silent
// reference does not count among "all references".
// Where references depend on each other, or fill a part of the band only, the normal equations are singular within
// rounding: then 1e-14 of the references' energy, or as much as it takes up to 1e-7, is added to their diagonal. SDR
// hardly changes; SIR and SAR do not see what is more than 140 (70) dB below the references.
// In float64, in one thread, the same bits every time. Throws Error for other shapes, a sample that is not finite, and
// a filter_length below 1.
std::vector<BssScores> bss_eval(const Tensor& references, const Tensor& estimates, BssParts parts = {},
                                int64_t filter_length = 512);

// The largest difference from mir_eval on recorded speech, up to 100 dB (tests/audio/metrics/metrics_golden_test.cpp).
inline constexpr double bss_eval_bound = 1e-5;  // dB

}  // namespace sunder
