// What a separation did, to look at.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "report/picture.h"
#include "tensor/tensor.h"

namespace sunder {

inline constexpr double spectrogram_range_db = 70;  // what a spectrogram shows below the loudest

// Levels in dB of a signal of at least one sample at `sample_rate` Hz -> (T, F), T at most `max_columns`: where a
// column stands for many frames it shows the loudest of them. Silence is -200 dB.
Tensor spectrogram_levels(std::span<const float> signal, int sample_rate, int64_t max_columns);

// Spectrograms of the mixture and its estimates below each other, on one time axis and one scale in dB below the
// loudest of the mixture. signals: the mixture first, then the estimates, all of one length (at least one sample) at
// `sample_rate` Hz. Throws Error without signals.
Picture draw_separation(const std::string& title, const std::vector<std::span<const float>>& signals, int sample_rate);

// Where the signal's spectrogram lies in that picture; x in seconds, y in kHz.
struct PlotFrame;
PlotFrame separation_frame(const std::vector<std::span<const float>>& signals, int sample_rate, size_t signal);

}  // namespace sunder
