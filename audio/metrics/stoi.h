// Short-time objective intelligibility, as the Python package pystoi gives it: STOI (Taal, Hendriks, Heusdens and
// Jensen, "An algorithm for intelligibility prediction of time-frequency weighted noisy speech", IEEE TASLP 19, 2011)
// and extended STOI (Jensen and Taal, "An algorithm for predicting the intelligibility of speech masked by modulated
// noise maskers", IEEE/ACM TASLP 24, 2016).
#pragma once

#include <span>

#include "audio/metrics/score.h"

namespace sunder {

enum class StoiKind { classic, extended };

struct StoiScores {
  Score classic, extended;  // at most 1
};

// Both kinds, which share all but the last step, or one of them (the other is missing: "not asked for"). Both signals
// go to 10 kHz by KaiserResampler; frames of 256 samples, 128 apart, in which the reference lies more than 40 dB below
// its loudest frame are removed from both; the score is the mean correlation of one-third-octave bands over 30 frames.
// reference, estimate: (L) at sample_rate Hz. No score if one is silent or fewer than 30 frames are left (0.4 s of
// speech; pystoi returns 1e-5). Levels do not matter. For empty bands pystoi adds noise, this code an epsilon. One
// thread, the same bits every time. Throws Error for unequal lengths, a rate outside 1 .. 192000 Hz, a sample that is
// not finite.
StoiScores stoi_scores(std::span<const double> reference, std::span<const double> estimate, int sample_rate,
                       bool classic = true, bool extended = true);
Score stoi(std::span<const double> reference, std::span<const double> estimate, int sample_rate, StoiKind kind);

// The largest difference from pystoi on recorded speech (tests/audio/metrics/metrics_golden_test.cpp).
inline constexpr double stoi_bound = 1e-8;

}  // namespace sunder
