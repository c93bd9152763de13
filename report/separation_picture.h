// What a separation did, to look at.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "report/picture.h"
#include "report/spectrogram.h"

namespace sunder {

inline constexpr double spectrogram_range_db = 70;  // what a spectrogram shows below the loudest

// Spectrograms of the mixture and its estimates below each other, on one time axis and one scale in dB below the
// loudest of the mixture. signals: the mixture first, then the estimates, all of one length (at least one sample) at
// `sample_rate` Hz. Throws Error without signals.
Picture draw_separation(const std::string& title, const std::vector<std::span<const float>>& signals, int sample_rate);

// The same of levels by separation_spectrogram, the mixture's first; `samples`: of each signal.
Picture draw_separation(const std::string& title, const std::vector<Tensor>& levels, int64_t samples, int sample_rate);
Spectrogram separation_spectrogram(int sample_rate, std::optional<int64_t> samples);

// Where the signal's spectrogram lies in that picture; x in seconds, y in kHz.
struct PlotFrame;
PlotFrame separation_frame(int64_t samples, int sample_rate, size_t signal);

}  // namespace sunder
