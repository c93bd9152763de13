#include "audio/sets/folder_items.h"

#include <algorithm>
#include <map>

#include "audio/file.h"
#include "audio/listing.h"
#include "audio/recording_cache.h"
#include "audio/sets/split_folders.h"
#include "tensor/error.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

// A folder's audio files by their names without the ending.
std::map<std::string, fs::path> by_stem(const fs::path& folder) {
  std::map<std::string, fs::path> files;
  for (const fs::path& name : list_audio(folder, /*recursive=*/false))
    if (const auto [other, added] = files.emplace(name.stem().string(), folder / name); !added)
      throw_error<InputError>("{}: expected one file for the mixture {}, found {} too", (folder / name).string(),
                              name.stem().string(), other->second.filename().string());
  return files;
}

class FolderItems : public MixtureItems {
 public:
  FolderItems(const fs::path& folder, const fs::path& mixtures, const MixtureSetOptions& options)
      : kind_(kind_of(mixtures)), cache_(options.cache_bytes) {
    const std::map<std::string, fs::path> found = by_stem(mixtures);
    if (found.empty()) throw_error<InputError>("{}: has no audio files ({})", mixtures.string(), audio_names());
    for (const auto& [stem, path] : found) items_.push_back({stem, {path}});
    // By the whole name, which decides the order of training.
    std::ranges::sort(items_, {}, [](const Item& item) { return item.files[0].filename().string(); });
    for (fs::path source; !(source = source_folder(folder, sources_ + 1)).empty(); ++sources_)
      add_source(source, found);
    if (sources_ < 2) throw_error<InputError>("{}: expected folders s1 and s2, found {}", folder.string(), sources_);
    sample_rate_ = audio_info(items_[0].files[0]).sample_rate;
    if (options.mixture_kind == "auto") add_note_on_others(folder, mixtures);
  }

  int64_t size() const override { return static_cast<int64_t>(items_.size()); }
  int num_sources() const override { return sources_; }
  bool has_noise() const override { return is_noisy(kind_); }
  std::string mixture_kind() const override { return kind_; }
  int sample_rate() const override { return sample_rate_; }
  std::vector<fs::path> reads_from() const override {
    std::vector<fs::path> folders;
    for (const fs::path& file : items_[0].files) folders.push_back(file.parent_path());
    return folders;
  }
  int64_t length(int64_t i) const override { return audio_info(items_[i].files[0]).frames; }
  std::string id(int64_t i) const override { return items_[i].id; }
  std::vector<std::string> notes() const override { return notes_; }

  Mixture load(int64_t i) const override {
    const std::vector<fs::path>& files = items_[i].files;
    const Signal mixture = read(files[0]);
    const auto length = static_cast<int64_t>(mixture->size());
    const Tensor sources = Tensor::empty({num_sources(), length}, DType::float32);
    float* to = sources.mutable_data<float>();
    for (size_t s = 1; s < files.size(); ++s) {
      const Signal source = read(files[s]);
      if (source->size() != mixture->size())
        throw_error<InputError>("{}: expected {} samples as in {}, got {}", files[s].string(), mixture->size(),
                                files[0].string(), source->size());
      to = std::copy(source->begin(), source->end(), to);
    }
    Mixture result{id(i), sample_rate_, Tensor::from(*mixture, {1, length}), sources};
    result.has_noise = has_noise();
    return result;
  }

 private:
  struct Item {
    std::string id;
    std::vector<fs::path> files;  // the mixture, then its sources
  };

  // "both" of a folder mix_both.
  static std::string kind_of(const fs::path& mixtures) {
    const std::string name = mixtures.filename().string();
    return name.starts_with("mix_") ? name.substr(4) : "auto";
  }

  // A tree that has noisy mixtures too is not trained on without a word.
  void add_note_on_others(const fs::path& folder, const fs::path& mixtures) {
    std::vector<std::string> others;
    for (const std::string& kind : mixture_kinds())
      if (kind != "auto" && kind != kind_ && !mixture_folder(folder, kind).empty()) others.push_back(kind);
    if (!others.empty())
      notes_.push_back(
          fmt::format("the mixtures are those in {}; there are also mixtures {}, which data.mixture_kind chooses",
                      mixtures.filename().string(), fmt::join(others, ", ")));
  }

  // Every mixture needs a file of the same name in `folder`, with any ending.
  void add_source(const fs::path& folder, const std::map<std::string, fs::path>& mixtures) {
    const std::map<std::string, fs::path> found = by_stem(folder);
    const Item* alone = nullptr;
    int64_t missing = 0;
    for (Item& item : items_) {
      if (const auto file = found.find(item.id); file != found.end()) item.files.push_back(file->second);
      else if (missing++ == 0) alone = &item;
    }
    if (alone)
      throw_error<InputError>("{}: no such file (the source of the mixture {}; {} of {} are missing)",
                              (folder / alone->files[0].filename()).string(), alone->files[0].string(), missing,
                              items_.size());
    std::vector<fs::path> unused;
    for (const auto& [stem, path] : found)
      if (!mixtures.contains(stem)) unused.push_back(path);
    if (!unused.empty())
      notes_.push_back(fmt::format("{} {} in {} {} no mixture and {} left out, first {}", unused.size(),
                                   unused.size() == 1 ? "source" : "sources", folder.string(),
                                   unused.size() == 1 ? "has" : "have", unused.size() == 1 ? "is" : "are",
                                   unused[0].filename().string()));
  }

  Signal read(const fs::path& path) const {
    return cache_.get(path.string(), [&] {
      Audio audio = read_mono(path);
      if (audio.sample_rate != sample_rate_)
        throw_error<InputError>("{}: expected {} Hz as in {}, got {} Hz", path.string(), sample_rate_,
                                items_[0].files[0].string(), audio.sample_rate);
      return std::move(audio.samples);
    });
  }

  std::vector<Item> items_;
  int sources_ = 0;
  const std::string kind_;
  int sample_rate_ = 0;
  std::vector<std::string> notes_;
  mutable RecordingCache cache_;
};

}  // namespace

std::shared_ptr<const MixtureItems> open_folder_items(const fs::path& folder, Split split,
                                                      const MixtureSetOptions& options) {
  const auto folders = split_folders(folder, split);
  const auto found =
      std::ranges::find_if(folders, [](const fs::path& each) { return !source_folder(each, 1).empty(); });
  if (found == folders.end()) return nullptr;
  const fs::path mixtures = mixture_folder(*found, options.mixture_kind);
  if (!mixtures.empty()) return std::make_shared<FolderItems>(*found, mixtures, options);
  throw_error<InputError>(
      "{}: expected a folder {} beside {}", found->string(),
      options.mixture_kind == "auto" ? "mix or mix_clean" : fmt::format("mix_{}", options.mixture_kind),
      source_folder(*found, 1).filename().string());
}

}  // namespace sunder
