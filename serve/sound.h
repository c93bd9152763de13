// Recordings that clients send.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "files/file_descriptor.h"

namespace sunder::serve {

// channel c is samples[c * frames ... (c + 1) * frames - 1].
struct Sound {
  int channels = 0;
  int sample_rate = 0;  // Hz
  int64_t frames = 0;
  std::vector<float> samples;

  double seconds() const { return static_cast<double>(frames) / sample_rate; }
};

// Reads an audio file that was sent (audio/sound_reader.h says of which kinds). `channel`: the one that a model of one
// microphone hears, from 1 on; nothing: the file must have as many as the model has microphones. Throws Refusal: 415
// for what is no audio file, 413 for more than `most_seconds`, 400 for a damaged one and for wrong channels.
Sound decode(FileDescriptor file, int microphones, std::optional<int> channel, double most_seconds);

}  // namespace sunder::serve
