// The plain signal-to-noise ratio, which depends on the level: "snr" of asteroid, signal_noise_ratio of torchmetrics
// (zero_mean=False).
#pragma once

#include <span>

#include "audio/metrics/score.h"

namespace sunder {

// 10 log10(|s|^2 / |s - e|^2) in dB, no mean removed, sums in float64. +infinity for an exact copy, 0 dB for a silent
// estimate; no score where the reference is silent. Throws Error for unequal lengths and for a sample that is not
// finite.
Score snr(std::span<const double> reference, std::span<const double> estimate);

}  // namespace sunder
