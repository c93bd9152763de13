#include "audio/sets/folder_items.h"

#include <algorithm>
#include <set>

#include "audio/file.h"
#include "audio/recording_cache.h"
#include "tensor/error.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

// The folder of a split with mixtures and sources, or an empty path. LibriMix's names come first.
fs::path split_folder(const fs::path& root, Split split) {
  static const std::vector<std::string> names[] = {{"train-360", "train-100", "train"}, {"dev", "valid"}, {"test"}};
  for (const char* base : {"wav8k/min", "wav8k/max", "wav16k/min", "wav16k/max", ""})
    for (const std::string& name : names[static_cast<int>(split)])
      if (fs::is_directory(root / base / name / "s1")) return root / base / name;
  return {};
}

std::vector<std::string> wav_names(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".wav" && !entry.path().filename().string().starts_with('.'))
      names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

class FolderItems : public MixtureItems {
 public:
  FolderItems(const fs::path& folder, const fs::path& mixtures, const MixtureSetOptions& options)
      : mixtures_(mixtures), names_(wav_names(mixtures)), cache_(options.cache_bytes) {
    if (names_.empty()) throw_error<InputError>("{}: has no WAV files", mixtures.string());
    for (int s = 1; fs::is_directory(folder / fmt::format("s{}", s)); ++s)
      sources_.push_back(folder / fmt::format("s{}", s));
    if (sources_.size() < 2)
      throw_error<InputError>("{}: expected folders s1 and s2, found {}", folder.string(), sources_.size());
    for (const fs::path& source : sources_) require_partners(source);
    sample_rate_ = audio_info(mixtures_ / names_[0]).sample_rate;
  }

  int64_t size() const override { return static_cast<int64_t>(names_.size()); }
  int num_sources() const override { return static_cast<int>(sources_.size()); }
  int sample_rate() const override { return sample_rate_; }
  std::vector<fs::path> reads_from() const override {
    std::vector<fs::path> folders = sources_;
    folders.push_back(mixtures_);
    return folders;
  }
  int64_t length(int64_t i) const override { return audio_info(mixtures_ / names_[i]).frames; }
  std::string id(int64_t i) const override { return fs::path(names_[i]).stem().string(); }

  Mixture load(int64_t i) const override {
    const Signal mixture = read(mixtures_ / names_[i]);
    const auto length = static_cast<int64_t>(mixture->size());
    const Tensor sources = Tensor::empty({num_sources(), length}, DType::float32);
    float* to = sources.mutable_data<float>();
    for (const fs::path& folder : sources_) {
      const Signal source = read(folder / names_[i]);
      if (source->size() != mixture->size())
        throw_error<InputError>("{}: expected {} samples as in {}, got {}", (folder / names_[i]).string(),
                                mixture->size(), (mixtures_ / names_[i]).string(), source->size());
      to = std::copy(source->begin(), source->end(), to);
    }
    return {id(i), sample_rate_, Tensor::from(*mixture, {1, length}), sources};
  }

 private:
  // Every mixture needs a file of the same name in `source`.
  void require_partners(const fs::path& source) const {
    const std::vector<std::string> found = wav_names(source);
    std::vector<std::string> missing;
    std::set_difference(names_.begin(), names_.end(), found.begin(), found.end(), std::back_inserter(missing));
    if (!missing.empty())
      throw_error<InputError>("{}: no such file (the source of the mixture {}; {} of {} are missing)",
                              (source / missing[0]).string(), (mixtures_ / missing[0]).string(), missing.size(),
                              names_.size());
  }

  Signal read(const fs::path& path) const {
    return cache_.get(path.string(), [&] {
      Audio audio = read_mono(path);
      if (audio.sample_rate != sample_rate_)
        throw_error<InputError>("{}: expected {} Hz as in {}, got {} Hz", path.string(), sample_rate_,
                                (mixtures_ / names_[0]).string(), audio.sample_rate);
      return std::move(audio.samples);
    });
  }

  const fs::path mixtures_;
  const std::vector<std::string> names_;
  std::vector<fs::path> sources_;
  int sample_rate_ = 0;
  mutable RecordingCache cache_;
};

}  // namespace

std::shared_ptr<const MixtureItems> open_folder_items(const fs::path& folder, Split split,
                                                      const MixtureSetOptions& options) {
  const fs::path found = split_folder(folder, split);
  if (found.empty()) return nullptr;
  for (const char* name : {"mix_clean", "mix"})
    if (fs::is_directory(found / name)) return std::make_shared<FolderItems>(found, found / name, options);
  throw_error<InputError>("{}: expected a folder mix or mix_clean beside s1", found.string());
}

}  // namespace sunder
