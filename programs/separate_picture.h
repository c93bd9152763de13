// The picture that sunder-separate makes of a recording, on the way.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "report/separation_picture.h"

namespace sunder {

// Spectrograms of the mixture and the voices, which are pushed at the network's rate.
class SeparatePicture {
 public:
  // `frames`: of the recording, where its header says it.
  SeparatePicture(int sample_rate, int model_rate, std::optional<int64_t> frames);

  void add_voices(size_t count);
  void push_mixture(std::span<const float> signal) { mixture_.push(signal); }
  void push_voice(size_t voice, std::span<const float> signal) { voices_[voice].push(signal); }
  // `frames`: of the recording. Once.
  Picture draw(const std::string& title, int64_t frames);

 private:
  const int sample_rate_, model_rate_;
  const std::optional<int64_t> samples_;  // at the network's rate
  Spectrogram mixture_;
  std::vector<Spectrogram> voices_;
};

}  // namespace sunder
