// Signals that stand for speech where a test needs some: every speaker has a pitch and a timbre of his own.
#pragma once

#include <cmath>
#include <vector>

#include "tensor/random.h"

namespace sunder {

// A voiced sound of two or three syllables over a little noise, unit variance. Each `take` of a speaker differs in
// melody, vowels and rhythm.
inline std::vector<float> synthetic_voice(int speaker, int take, int64_t samples, int sample_rate = 8000) {
  Random random(1000 + speaker, RandomUse::test, take);
  const double pitch = 95 * std::pow(1.3, speaker % 6) * random.uniform(0.95, 1.05), glide = random.uniform(-0.2, 0.2);
  const double formant[2] = {random.uniform(300, 900), random.uniform(1000, 2600)};
  const double syllables = random.uniform(1.5, 3.5), moment = random.uniform();
  std::vector<float> voice(samples);
  double phase = 0, energy = 0;
  for (int64_t t = 0; t < samples; ++t) {
    const double share = static_cast<double>(t) / static_cast<double>(samples), hertz = pitch * (1 + glide * share);
    phase += 2 * M_PI * hertz / sample_rate;
    double sum = 0;
    for (int k = 1; k * hertz < 0.45 * sample_rate; ++k)
      for (const double f : formant) sum += std::sin(k * phase) / (1 + std::pow((k * hertz - f) / 150, 2));
    const double loud = std::pow(std::sin(M_PI * (syllables * share + moment)), 2);
    voice[t] = static_cast<float>(sum * loud + 0.01 * random.normal());
    energy += voice[t] * voice[t];
  }
  const auto scale = static_cast<float>(1 / std::sqrt(energy / static_cast<double>(samples)));
  for (float& sample : voice) sample *= scale;
  return voice;
}

}  // namespace sunder
