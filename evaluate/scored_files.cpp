#include "evaluate/scored_files.h"

#include <algorithm>

#include "audio/file.h"
#include "evaluate/item_memory.h"

namespace sunder {

namespace fs = std::filesystem;

namespace {

struct Form {
  fs::path path;
  int sample_rate = 0, channels = 0;
  int64_t frames = 0;
};

std::vector<fs::path> all_files(const ScoredFiles& files) {
  std::vector<fs::path> all = files.references;
  all.insert(all.end(), files.estimates.begin(), files.estimates.end());
  if (!files.mixture.empty()) all.push_back(files.mixture);
  return all;
}

// Throws where a file does not fit the first reference.
void check_form(const Form& file, const Form& first, Align align) {
  if (file.sample_rate != first.sample_rate)
    throw_error<InputError>("{}: expected {} Hz as in {}, got {} Hz", file.path.string(), first.sample_rate,
                            first.path.string(), file.sample_rate);
  if (file.channels != first.channels)
    throw_error<InputError>("{}: expected {} {} as in {}, got {}", file.path.string(), first.channels,
                            first.channels == 1 ? "channel" : "channels", first.path.string(), file.channels);
  if (align == Align::none && file.frames != first.frames)
    throw_error<LengthsDiffer>("{}: expected {} samples as in {}, got {}", file.path.string(), first.frames,
                               first.path.string(), file.frames);
}

// The length that all signals get. forms: at least one.
int64_t common_length(const std::vector<Form>& forms, Align align) {
  int64_t length = forms[0].frames;
  for (const Form& form : forms) {
    check_form(form, forms[0], align);
    length = align == Align::pad ? std::max(length, form.frames) : std::min(length, form.frames);
  }
  return length;
}

// (N, M, L), or (N, L) of one channel.
Tensor signals_of(std::span<const AudioDouble> recordings, int64_t length) {
  const auto count = static_cast<int64_t>(recordings.size()), channels = static_cast<int64_t>(recordings[0].channels);
  const Tensor result =
      Tensor::zeros(channels == 1 ? Shape{count, length} : Shape{count, channels, length}, DType::float64);
  double* to = result.mutable_data<double>();
  for (const AudioDouble& recording : recordings) {
    for (int64_t c = 0; c < channels; ++c, to += length)
      for (int64_t t = 0; t < std::min(length, recording.frames); ++t) to[t] = recording.samples[t * channels + c];
  }
  return result;
}

}  // namespace

void check_scored_files(const ScoredFiles& files, Align align, int64_t memory_bytes) {
  std::vector<Form> forms;
  double samples = 0;
  for (const fs::path& path : all_files(files)) {
    const AudioInfo info = audio_info(path);
    forms.push_back({path, info.sample_rate, info.channels, info.frames});
    samples += static_cast<double>(info.frames) * info.channels;
  }
  common_length(forms, align);
  // As they are decoded and as rows of a tensor.
  check_memory(files.references[0].string(), 2 * sizeof(double) * samples, memory_bytes);
}

ScoredSignals read_scored_files(const ScoredFiles& files, Align align) {
  const std::vector<fs::path> paths = all_files(files);
  std::vector<AudioDouble> recordings;
  std::vector<Form> forms;
  for (const fs::path& path : paths) {
    recordings.push_back(read_audio_double(path));
    const AudioDouble& audio = recordings.back();
    forms.push_back({path, audio.sample_rate, audio.channels, audio.frames});
  }
  const int64_t length = common_length(forms, align);
  const std::span<const AudioDouble> all = recordings;
  const size_t sources = files.references.size(), outputs = files.estimates.size();
  ScoredSignals signals{.references = signals_of(all.first(sources), length),
                        .estimates = signals_of(all.subspan(sources, outputs), length),
                        .mixture = {},
                        .sample_rate = forms[0].sample_rate,
                        .sources = files.sources,
                        .matched = files.matched};
  if (!files.mixture.empty()) {
    const Tensor mixture = signals_of(all.last(1), length);
    signals.mixture = mixture.reshape(Shape(mixture.shape().begin() + 1, mixture.shape().end()));
  }
  return signals;
}

}  // namespace sunder
