// What a separation did, to look at.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "train/picture.h"

namespace sunder {

// Spectrograms of the mixture and its estimates below each other, on one scale in dB below the loudest of the mixture.
// signals: the mixture first, then the estimates, all of one length (at least one sample) at `sample_rate` Hz.
Picture draw_separation(const std::string& title, const std::vector<std::span<const float>>& signals, int sample_rate);

}  // namespace sunder
