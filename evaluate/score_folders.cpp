#include "evaluate/score_folders.h"

#include <algorithm>

#include "audio/file.h"
#include "tensor/error.h"

namespace sunder {

namespace fs = std::filesystem;

namespace {

void require_folder(const fs::path& folder) {
  if (!fs::is_directory(folder)) throw_error<InputError>("{}: no such folder", folder.string());
}

std::vector<fs::path> recordings(const fs::path& folder) {
  require_folder(folder);
  std::vector<fs::path> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const fs::path name = entry.path().filename();
    const std::string kind = name.extension().string();
    if ((kind == ".wav" || kind == ".flac" || kind == ".ogg") && !name.string().starts_with('.')) names.push_back(name);
  }
  if (names.empty())
    throw_error<InputError>("{}: expected recordings (.wav, .flac, .ogg), found none", folder.string());
  std::sort(names.begin(), names.end());
  return names;
}

// folder/s1, folder/s2, ... up to the first that is missing.
std::vector<fs::path> source_folders(const fs::path& folder) {
  std::vector<fs::path> folders;
  for (int s = 1; fs::is_directory(folder / fmt::format("s{}", s)); ++s)
    folders.push_back(folder / fmt::format("s{}", s));
  return folders;
}

const fs::path& existing(const fs::path& file, const fs::path& needed_by) {
  if (!fs::exists(file)) throw_error<InputError>("{}: no such file, which {} needs", file.string(), needed_by.string());
  return file;
}

// The estimates of one item in a folder without s1: x.wav, or x_s1.wav, x_s2.wav, ...
std::vector<fs::path> estimates_beside(const fs::path& folder, const fs::path& name, size_t sources,
                                       const fs::path& needed_by) {
  const auto numbered = [&](size_t s) { return folder / fmt::format("{}_s{}.wav", name.stem().string(), s + 1); };
  if (sources == 1 && (fs::exists(folder / name) || !fs::exists(numbered(0))))
    return {existing(folder / name, needed_by)};
  std::vector<fs::path> files;
  while (files.size() < sources || fs::exists(numbered(files.size())))
    files.push_back(existing(numbered(files.size()), needed_by));
  return files;
}

struct Recording {
  fs::path path;
  Audio audio;
};

std::vector<Recording> read_all(const std::vector<fs::path>& files) {
  std::vector<Recording> recordings;
  for (const fs::path& file : files) recordings.push_back({file, read_mono(file)});
  return recordings;
}

// Throws where a file does not fit the first reference.
void check_form(const fs::path& file, int sample_rate, int64_t frames, const fs::path& first, const AudioInfo& like,
                Align align) {
  if (sample_rate != like.sample_rate)
    throw_error<InputError>("{}: expected {} Hz as in {}, got {} Hz", file.string(), like.sample_rate, first.string(),
                            sample_rate);
  if (align == Align::none && frames != like.frames)
    throw_error<LengthsDiffer>("{}: expected {} samples as in {}, got {}", file.string(), like.frames, first.string(),
                               frames);
}

// The length that all recordings get.
int64_t common_length(const std::vector<const Recording*>& recordings, Align align) {
  const Recording& first = *recordings[0];
  const AudioInfo like{first.audio.channels, first.audio.sample_rate, first.audio.frames};
  int64_t length = like.frames;
  for (const Recording* recording : recordings) {
    const int64_t frames = recording->audio.frames;
    check_form(recording->path, recording->audio.sample_rate, frames, first.path, like, align);
    length = align == Align::pad ? std::max(length, frames) : std::min(length, frames);
  }
  return length;
}

Tensor rows(const std::vector<Recording>& recordings, int64_t length) {
  const Tensor result = Tensor::zeros({static_cast<int64_t>(recordings.size()), length}, DType::float32);
  float* row = result.mutable_data<float>();
  for (const Recording& recording : recordings) {
    std::copy_n(recording.audio.samples.begin(), std::min(length, recording.audio.frames), row);
    row += length;
  }
  return result;
}

}  // namespace

std::vector<ScoredFiles> find_scored_files(const fs::path& references, const fs::path& estimates,
                                           const fs::path& mixtures) {
  require_folder(references);
  require_folder(estimates);
  if (!mixtures.empty()) require_folder(mixtures);
  const std::vector<fs::path> sources = source_folders(references), outputs = source_folders(estimates);
  if (sources.empty() && !outputs.empty())
    throw_error<InputError>("{}: expected the folders s1, s2, ... that {} has, found none", references.string(),
                            estimates.string());
  if (!sources.empty() && !outputs.empty() && outputs.size() < sources.size())
    throw_error<InputError>("{}: expected folders s1 to s{} as in {}, found {}", estimates.string(), sources.size(),
                            references.string(), outputs.size());
  std::vector<ScoredFiles> items;
  for (const fs::path& folder : sources)  // each must have what the first has, and no more
    for (const fs::path& name : recordings(folder)) existing(sources[0] / name, folder / name);
  for (const fs::path& name : recordings(sources.empty() ? references : sources[0])) {
    ScoredFiles item{name.stem().string(), {}, {}, {}};
    if (sources.empty()) item.references = {references / name};
    for (const fs::path& folder : sources) item.references.push_back(existing(folder / name, sources[0] / name));
    const fs::path& needed_by = item.references[0];
    for (const fs::path& folder : outputs) item.estimates.push_back(existing(folder / name, needed_by));
    if (outputs.empty()) item.estimates = estimates_beside(estimates, name, item.references.size(), needed_by);
    if (!mixtures.empty()) item.mixture = existing(mixtures / name, needed_by);
    items.push_back(std::move(item));
  }
  return items;
}

void check_scored_files(const ScoredFiles& files, Align align) {
  const AudioInfo like = audio_info(files.references[0]);
  const auto check = [&](const fs::path& file) {
    const AudioInfo info = audio_info(file);
    check_form(file, info.sample_rate, info.frames, files.references[0], like, align);
  };
  for (const auto* group : {&files.references, &files.estimates})
    for (const fs::path& file : *group) check(file);
  if (!files.mixture.empty()) check(files.mixture);
}

ScoredSignals read_scored_files(const ScoredFiles& files, Align align) {
  const auto references = read_all(files.references), estimates = read_all(files.estimates);
  const auto mixture = read_all(files.mixture.empty() ? std::vector<fs::path>{} : std::vector{files.mixture});
  std::vector<const Recording*> all;
  for (const auto* group : {&references, &estimates, &mixture})
    for (const Recording& recording : *group) all.push_back(&recording);
  const int64_t length = common_length(all, align);
  ScoredSignals signals{rows(references, length), rows(estimates, length), {}, references[0].audio.sample_rate};
  if (!mixture.empty()) signals.mixture = rows(mixture, length).reshape({length});
  return signals;
}

}  // namespace sunder
