#include "programs/separate_picture.h"

#include "audio/resample.h"

namespace sunder {

SeparatePicture::SeparatePicture(int sample_rate, int model_rate, std::optional<int64_t> frames)
    : sample_rate_(sample_rate),
      model_rate_(model_rate),
      samples_(frames ? std::optional(resampled_length(*frames, sample_rate, model_rate)) : std::nullopt),
      mixture_(separation_spectrogram(model_rate, samples_)) {}

void SeparatePicture::add_voices(size_t count) {
  for (size_t v = 0; v < count; ++v) voices_.push_back(separation_spectrogram(model_rate_, samples_));
}

Picture SeparatePicture::draw(const std::string& title, int64_t frames) {
  std::vector<Tensor> levels = {mixture_.finish()};
  for (Spectrogram& voice : voices_) levels.push_back(voice.finish());
  return draw_separation(title, levels, resampled_length(frames, sample_rate_, model_rate_), model_rate_);
}

}  // namespace sunder
