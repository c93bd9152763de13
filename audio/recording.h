// Reads a recording of a corpus as one signal at a given rate.
#pragma once

#include <filesystem>
#include <vector>

namespace sunder {

enum class Channels {
  one,   // a recording with more channels is an error
  mean,  // take the mean of all channels
};

// Reads, mixes down and resamples. Throws InputError as read_audio and read_mono do.
std::vector<float> read_recording(const std::filesystem::path& path, int sample_rate, Channels channels);

}  // namespace sunder
