// What the trainings of the tests learn by heart, and their score.
#pragma once

#include "audio/metrics/si_snr.h"
#include "nn/separator.h"
#include "tests/synthetic_voice.h"

namespace sunder {

inline constexpr int64_t length = 8000;

struct Items {
  Tensor references;  // (N, 2, length), of about unit variance
  Tensor mixtures;    // (N, length)
};

// Words of two speakers within a second. They overlap little, so that masks on the mixture's spectrum can pass 20 dB:
// the ideal ratio mask reaches 20.6 on such words, but 15.2 on two voices that never rest.
inline Items make_items(int64_t count) {
  constexpr int64_t word = 3200;
  const auto level = static_cast<float>(std::sqrt(static_cast<double>(length) / word));
  const Tensor references = Tensor::zeros({count, 2, length}, DType::float32);
  const Tensor mixtures = Tensor::zeros({count, length}, DType::float32);
  for (int64_t b = 0; b < count; ++b) {
    Random random(0, RandomUse::test, b);
    for (int64_t s = 0; s < 2; ++s) {
      const auto speaker = static_cast<int>((b + s * (1 + b % 5)) % 6), take = static_cast<int>(2 * b + s);
      const auto voice = synthetic_voice(speaker, take, word);
      float* reference = references.mutable_data<float>() + (2 * b + s) * length;
      const auto start = static_cast<int64_t>(random.below(length - word + 1));
      for (int64_t t = 0; t < word; ++t) reference[start + t] = level * voice[t];
      for (int64_t t = 0; t < length; ++t) {
        reference[t] += 0.015f * static_cast<float>(random.normal());
        mixtures.mutable_data<float>()[b * length + t] += reference[t];
      }
    }
  }
  return {references, mixtures};
}

// Mean over the items, dB. data: float32 on the CPU, the network float32 on any device.
inline double si_snri(const Separator& network, const Items& data) {
  const NoGrad no_grad;
  const Tensor mixtures = data.mixtures.to(network.parameters().values().stream());
  const Tensor estimates = network.forward(mixtures).value().to(cpu_device);
  const int64_t count = data.mixtures.size(0);
  double sum = 0;
  for (int64_t b = 0; b < count; ++b)
    sum += mean_si_snri(score_separation(data.references.slice(b, b + 1).reshape({2, length}),
                                         estimates.slice(b, b + 1).reshape({-1, length}),
                                         data.mixtures.slice(b, b + 1).reshape({length})))
               .value();
  return sum / static_cast<double>(count);
}

}  // namespace sunder
