// One voice of a corpus file as a signal at the rate that is wanted.
#pragma once

#include <filesystem>
#include <vector>

namespace sunder {

enum class Channels {
  one,   // more than one channel is an error: which is the voice?
  mean,  // the mean of all channels
};

// Reads, mixes the channels down and resamples. Throws InputError as read_audio and read_mono do.
std::vector<float> read_recording(const std::filesystem::path& path, int sample_rate, Channels channels);

}  // namespace sunder
