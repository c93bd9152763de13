#include "audio/recording.h"

#include "audio/file.h"
#include "audio/resample.h"

namespace sunder {

std::vector<float> read_recording(const std::filesystem::path& path, int sample_rate, Channels channels) {
  Audio audio = channels == Channels::one ? read_mono(path) : read_audio(path);
  if (audio.channels > 1) {
    std::vector<float> mean(audio.frames);
    for (int64_t t = 0; t < audio.frames; ++t) {
      double sum = 0;
      for (int c = 0; c < audio.channels; ++c) sum += audio.samples[t * audio.channels + c];
      mean[t] = static_cast<float>(sum / audio.channels);
    }
    audio.samples = std::move(mean);
  }
  if (audio.sample_rate == sample_rate) return std::move(audio.samples);
  return resample(audio.samples, audio.sample_rate, sample_rate);
}

}  // namespace sunder
