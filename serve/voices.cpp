#include "serve/voices.h"

#include <fmt/format.h>

#include <span>

#include "audio/output_activity.h"
#include "audio/sound_writer.h"

namespace sunder::serve {
namespace {

std::span<const float> output(const Job& job, int64_t s) {
  const auto frames = static_cast<size_t>(job.mixture.frames);
  return std::span(job.estimates).subspan(static_cast<size_t>(s) * frames, frames);
}

std::vector<float> sum_of(const Job& job, const std::vector<int64_t>& group) {
  std::vector<float> sum(static_cast<size_t>(job.mixture.frames), 0.0f);
  for (const int64_t s : group) {
    const std::span<const float> samples = output(job, s);
    for (size_t t = 0; t < sum.size(); ++t) sum[t] += samples[t];
  }
  return sum;
}

OutputActivity activity_of(const Job& job, int64_t outputs) {
  OutputActivity activity(outputs, job.mixture.sample_rate);
  std::vector<std::vector<float>> rows;
  for (int64_t s = 0; s < outputs; ++s) rows.emplace_back(output(job, s).begin(), output(job, s).end());
  activity.push(rows);
  return activity;
}

}  // namespace

Voices make_voices(const Job& job, const std::string& sources, WavFormat encoding) {
  const auto outputs = static_cast<int64_t>(job.estimates.size()) / job.mixture.frames;
  Voices result;
  std::vector<std::vector<int64_t>> groups;
  if (sources == "all") {
    for (int64_t s = 0; s < outputs; ++s) groups.push_back({s});
  } else {
    const OutputActivity activity = activity_of(job, outputs);
    result.active = activity.active();
    groups = activity.groups(voice_count(sources));
  }
  for (std::vector<int64_t>& group : groups) {
    WavBytes file = sources == "all" ? wav_in_memory(output(job, group[0]), job.mixture.sample_rate, encoding)
                                     : wav_in_memory(sum_of(job, group), job.mixture.sample_rate, encoding);
    result.clipped += file.clipped;
    result.voices.push_back(
        {fmt::format("voice{}.wav", result.voices.size() + 1), std::move(file.bytes), std::move(group)});
  }
  return result;
}

}  // namespace sunder::serve
