#include "audio/corpora/screening.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <numeric>

#include "tensor/error.h"
#include "tensor/parallel.h"

namespace sunder {
namespace {

Screened screen_one(const std::filesystem::path& path, const Recording& recording, const ScreeningOptions& options) {
  const std::vector<float> signal = read_recording(path, options.sample_rate, options.channels);
  const std::vector<double> powers = frame_powers(signal, options.sample_rate);
  const double loudest = powers.empty() ? 0 : *std::max_element(powers.begin(), powers.end());
  if (powers.empty())
    throw_error<InputError>("{}: too short: {} samples, less than 20 ms", path.string(), signal.size());
  // 1e-12 is -120 dB re full scale, below the last bit of 16.
  if (loudest < 1e-12) throw_error<InputError>("{}: silent: no frame of 20 ms above -120 dB", path.string());
  std::vector<bool> active(powers.size());
  for (size_t i = 0; i < powers.size(); ++i) active[i] = powers[i] >= loudest * std::pow(10, -options.active_db / 10);
  if (!options.trim) return {recording, 0, static_cast<int64_t>(signal.size()), std::move(active)};
  const auto first = std::find(active.begin(), active.end(), true) - active.begin();
  const auto last = active.rend() - std::find(active.rbegin(), active.rend(), true);
  const int64_t frame = frame_length(options.sample_rate);
  return {recording, first * frame, (last - first) * frame, {active.begin() + first, active.begin() + last}};
}

}  // namespace

int64_t frame_length(int sample_rate) { return std::max(1, sample_rate / 50); }

std::vector<double> frame_powers(std::span<const float> signal, int sample_rate) {
  const int64_t frame = frame_length(sample_rate);
  const double mean = std::accumulate(signal.begin(), signal.end(), 0.0) / static_cast<double>(signal.size());
  std::vector<double> powers(signal.size() / frame, 0.0);
  for (size_t i = 0; i < powers.size(); ++i) {
    for (const float sample : signal.subspan(i * frame, frame)) powers[i] += (sample - mean) * (sample - mean);
    powers[i] /= static_cast<double>(frame);
  }
  return powers;
}

ScreeningResult screen(const Corpus& corpus, const ScreeningOptions& options, const Progress& progress) {
  const auto count = static_cast<int64_t>(corpus.recordings.size());
  std::vector<Screened> screened(count);
  std::vector<std::string> messages(count);
  std::mutex reporting;
  int64_t done = 0;
  parallel_for(count, 32, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      try {
        screened[i] = screen_one(corpus.root / corpus.recordings[i].path, corpus.recordings[i], options);
      } catch (const InputError& error) {
        if (!options.skip_unusable) throw;
        messages[i] = error.what();
      }
    }
    const std::lock_guard lock(reporting);
    done += end - begin;
    if (progress) progress(done, count);
  });
  ScreeningResult result;
  for (int64_t i = 0; i < count; ++i) {
    const double seconds = static_cast<double>(screened[i].length) / options.sample_rate;
    if (!messages[i].empty()) result.unusable.push_back(std::move(messages[i]));
    else if (seconds < options.min_seconds) ++result.too_short;
    else if (seconds > options.max_seconds) ++result.too_long;
    else result.kept.push_back(std::move(screened[i]));
  }
  return result;
}

}  // namespace sunder
