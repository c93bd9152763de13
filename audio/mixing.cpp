#include "audio/mixing.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tensor/error.h"
#include "tensor/random.h"

namespace sunder {

Placement centred(int64_t samples, int64_t window) {
  if (samples >= window) return {(samples - window) / 2, window, 0};
  return {0, samples, (window - samples) / 2};
}

void place(std::span<const float> recording, const Placement& placement, std::span<float> window) {
  const auto [begin, length, start] = placement;
  const auto size = static_cast<int64_t>(window.size());
  if (begin < 0 || length < 0 || start < 0 || length > size || start > size - length)
    throw_error("[place] expected a part within a window of {} samples, got begin {}, length {}, start {}", size, begin,
                length, start);
  std::fill(window.begin(), window.end(), 0.0f);
  const int64_t available = std::clamp<int64_t>(static_cast<int64_t>(recording.size()) - begin, 0, length);
  std::copy_n(recording.begin() + std::min<int64_t>(begin, recording.size()), available, window.begin() + start);
}

double active_level_db(std::span<const float> signal, int sample_rate) {
  const size_t frame = std::max(1, sample_rate / 50);
  std::vector<double> powers, sizes;
  for (size_t begin = 0; begin < signal.size(); begin += frame) {
    const auto part = signal.subspan(begin, std::min(frame, signal.size() - begin));
    double energy = 0;
    for (const float sample : part) energy += static_cast<double>(sample) * sample;
    powers.push_back(energy / static_cast<double>(part.size()));
    sizes.push_back(static_cast<double>(part.size()));
  }
  const double loudest = powers.empty() ? 0 : *std::max_element(powers.begin(), powers.end());
  if (loudest <= 0) return -std::numeric_limits<double>::infinity();
  double energy = 0, samples = 0;
  for (size_t i = 0; i < powers.size(); ++i)
    if (powers[i] >= loudest * 1e-3) energy += powers[i] * sizes[i], samples += sizes[i];
  return 10 * std::log10(energy / samples);
}

double level_db(std::span<const float> signal) {
  if (std::ranges::all_of(signal, [&](float sample) { return sample == signal[0]; }))
    return -std::numeric_limits<double>::infinity();
  double sum = 0, squares = 0;
  for (const float sample : signal) sum += sample;
  const double mean = sum / static_cast<double>(signal.size());
  for (const float sample : signal) squares += (sample - mean) * (sample - mean);
  return 10 * std::log10(squares / static_cast<double>(signal.size()));
}

void add_noise(std::span<float> window, double level_db, std::span<const float> noise) {
  SUNDER_ASSERT(noise.size() >= window.size());
  const auto deviation = static_cast<float>(std::pow(10.0, level_db / 20));
  for (size_t t = 0; t < window.size(); ++t) window[t] += deviation * noise[t];
}

void add_at_snr(std::span<float> mixture, std::span<const float> noise, double snr_db) {
  const auto power = [](std::span<const float> signal) {
    double sum = 0;
    for (const float sample : signal) sum += static_cast<double>(sample) * sample;
    return sum / static_cast<double>(signal.size());
  };
  const double of_noise = power(noise);
  if (!(of_noise > std::pow(10, faint_db / 10)))
    throw_error<InputError>("expected noise above {} dB of full scale, got silence", faint_db);
  const auto gain = static_cast<float>(std::sqrt(power(mixture) / of_noise * std::pow(10, -snr_db / 10)));
  for (size_t i = 0; i < mixture.size(); ++i) mixture[i] += gain * noise[i];
}

std::vector<float> noise_tape(int64_t length, uint64_t seed) {
  Random random(seed, RandomUse::noise);
  std::vector<float> tape(length);
  for (float& sample : tape) sample = static_cast<float>(random.normal());
  return tape;
}

void standardise(std::span<float> signal) {
  if (signal.size() < 2) throw_error<InputError>("expected at least two samples, got {}", signal.size());
  const auto count = static_cast<double>(signal.size());
  double sum = 0;
  for (const float sample : signal) sum += sample;
  const double mean = sum / count;
  double squares = 0;
  for (const float sample : signal) squares += (sample - mean) * (sample - mean);
  const double deviation = std::sqrt(squares / (count - 1));
  // A constant is silent too: without its mean only rounding errors are left.
  if (!(deviation > 1e-7 * std::abs(mean)) || deviation < 1e-12)
    throw_error<InputError>("silent: expected speech, got a constant signal of {} samples", signal.size());
  for (float& sample : signal) sample = static_cast<float>((sample - mean) / deviation);
}

Tensor mix(const Tensor& sources) {
  check_dim("mix", "sources", sources, 2);
  SUNDER_ASSERT(sources.size(0) > 0);
  const int64_t length = sources.size(1);
  const Tensor sum = sources.slice(0, 1).reshape({length}).clone();
  float* to = sum.mutable_data<float>();
  for (int64_t s = 1; s < sources.size(0); ++s) {
    const float* from = sources.data<float>() + s * length;
    for (int64_t t = 0; t < length; ++t) to[t] += from[t];
  }
  return sum;
}

}  // namespace sunder
