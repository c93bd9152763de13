// Samples in the caller's memory, in every way that sunder_audio describes.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "embed/sunder.h"

namespace sunder::soak {

struct Form {
  int format = SUNDER_FLOAT32, layout = SUNDER_PLANAR;
};

inline int64_t below(std::mt19937_64& random, int64_t limit) {
  return static_cast<int64_t>(random() % static_cast<uint64_t>(limit));
}

inline Form any_form(std::mt19937_64& random) {
  return {static_cast<int>(below(random, 2)), static_cast<int>(below(random, 3))};
}

// What int16 holds of a sample.
inline float quantised(float sample) { return std::clamp(std::nearbyint(sample * 32768), -32768.0f, 32767.0f) / 32768; }

// A buffer whose last element nobody may write to.
class Samples {
 public:
  static constexpr int16_t guard = 12345;

  Samples(int64_t frames, int channels, int rate, Form form) : frames_(frames), channels_(channels), form_(form) {
    const auto size = static_cast<size_t>(frames * channels);
    if (form.format == SUNDER_INT16) integers_.assign(size + 1, guard);
    else floats_.assign(size + 1, guard);
    for (int c = 0; c < channels; ++c) rows_.push_back(address(form.layout == SUNDER_POINTERS ? c * frames : 0));
    audio_ = SUNDER_AUDIO_INIT;
    audio_.samples = form.layout == SUNDER_POINTERS ? rows_.data() : address(0);
    audio_.frames = frames;
    audio_.channels = channels;
    audio_.sample_rate = rate;
    audio_.format = form.format;
    audio_.layout = form.layout;
  }
  Samples(const Samples&) = delete;
  Samples& operator=(const Samples&) = delete;

  // planar: (channels, stride), from its frame `begin` on.
  void fill(const std::vector<float>& planar, int64_t stride, int64_t begin) {
    for (int c = 0; c < channels_; ++c)
      for (int64_t t = 0; t < frames_; ++t) {
        const float sample = planar[c * stride + begin + t];
        if (form_.format == SUNDER_INT16) integers_[index(c, t)] = static_cast<int16_t>(std::nearbyint(sample * 32768));
        else floats_[index(c, t)] = sample;
      }
  }

  float at(int channel, int64_t frame) const {
    if (form_.format == SUNDER_INT16) return static_cast<float>(integers_[index(channel, frame)]) / 32768;
    return floats_[index(channel, frame)];
  }
  bool guarded() const { return form_.format == SUNDER_INT16 ? integers_.back() == guard : floats_.back() == guard; }
  const sunder_audio& audio() const { return audio_; }

 private:
  int64_t index(int c, int64_t t) const {
    return form_.layout == SUNDER_INTERLEAVED ? t * channels_ + c : c * frames_ + t;
  }
  void* address(int64_t i) {
    if (form_.format == SUNDER_INT16) return integers_.data() + i;
    return floats_.data() + i;
  }

  int64_t frames_;
  int channels_;
  Form form_;
  std::vector<float> floats_;
  std::vector<int16_t> integers_;
  std::vector<void*> rows_;
  sunder_audio audio_{};
};

}  // namespace sunder::soak
