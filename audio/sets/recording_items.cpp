#include "audio/sets/recording_items.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>

#include "audio/file.h"
#include "audio/listing.h"
#include "audio/recording_cache.h"
#include "audio/resample.h"
#include "audio/sets/recording_splits.h"
#include "audio/sets/split_folders.h"
#include "tensor/error.h"
#include "tensor/parallel.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

constexpr int longest_item_s = 10;
constexpr int highest_automatic_rate = 16000;  // Hz; speech needs no more

// A recording of the set: below `folder`, by its relative path.
struct RecordingFile {
  fs::path folder, name;
  AudioInfo info{};

  fs::path path() const { return folder / name; }
  // For ids and the division into splits, which no conversion of the file changes.
  std::string plain_name() const { return fs::path(name).replace_extension().generic_string(); }
};
using RecordingFiles = std::vector<RecordingFile>;

// An item of the set.
struct Piece {
  const RecordingFile* file;
  Stretch stretch;  // frames of the file
  std::string id;
};

RecordingFiles list_recordings(const fs::path& folder) {
  RecordingFiles files;
  for (const fs::path& name : list_audio(folder, /*recursive=*/true)) files.push_back({folder, name});
  return files;
}

// Whether clean sources lie beside mixtures somewhere in a folder: none of its files is to be taken for a mixture.
bool has_references(const RecordingFiles& files) {
  std::set<fs::path> parents;
  for (const RecordingFile& file : files) {
    fs::path parent = file.folder;
    for (const fs::path& part : file.name.parent_path()) {
      if (part == "s1" && parents.insert(parent).second && !mixture_folder(parent, "auto").empty()) return true;
      parent /= part;
    }
  }
  return false;
}

// What a set's folder holds.
struct Recordings {
  std::array<RecordingFiles, all_splits.size()> of;  // by split, where a split has a folder
  RecordingFiles undivided;                          // where none has
  size_t outside = 0;                                // beside the folders of the splits

  bool divided() const {
    return std::any_of(of.begin(), of.end(), [](const RecordingFiles& files) { return !files.empty(); });
  }
};

// Nothing where there are clean sources.
std::optional<Recordings> find_recordings(const fs::path& root, const std::string& mixture_kind) {
  Recordings found;
  for (const Split split : all_splits) {
    RecordingFiles& own = found.of[static_cast<size_t>(split)];
    for (const fs::path& folder : split_folders(root, split)) {
      const fs::path mixtures = mixture_folder(folder, mixture_kind);
      if (mixtures.empty() && mixture_kind != "auto") continue;
      own = list_recordings(mixtures.empty() ? folder : mixtures);
      if (mixtures.empty() && has_references(own)) return std::nullopt;
      if (!own.empty()) break;
    }
  }
  if (found.divided()) {
    found.outside = list_audio(root, /*recursive=*/false).size();
    return found;
  }
  if (mixture_kind != "auto") return std::nullopt;
  found.undivided = list_recordings(root);
  if (has_references(found.undivided)) return std::nullopt;
  return found;
}

bool has_references(const fs::path& root, Split split) {
  return std::ranges::any_of(split_folders(root, split),
                             [](const fs::path& folder) { return !source_folder(folder, 1).empty(); });
}

void inspect(RecordingFiles& files) {
  parallel_for(static_cast<int64_t>(files.size()), 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) files[i].info = audio_info(files[i].path());
  });
}

std::string recordings(size_t count) { return fmt::format("{} recording{}", count, count == 1 ? "" : "s"); }

// "8000, 16000 and 44100"
std::string joined(const std::set<int>& numbers) {
  std::string text;
  size_t left = numbers.size();
  for (const int number : numbers) {
    text += std::to_string(number);
    if (--left > 0) text += left == 1 ? " and " : ", ";
  }
  return text;
}

class RecordingItems : public MixtureItems {
 public:
  RecordingItems(const fs::path& root, Recordings found, Split split, const MixtureSetOptions& options)
      : found_(std::move(found)), channels_(options.channels), cache_(options.cache_bytes) {
    const auto own = [&](Split s) -> RecordingFiles& { return found_.of[static_cast<size_t>(s)]; };
    const bool whole = !found_.divided(), apart = whole || own(split).empty();
    // What is set aside of the recordings for training.
    const bool valid = own(Split::valid).empty() && !has_references(root, Split::train);
    const bool test = valid && own(Split::test).empty();
    RecordingFiles& files = whole ? found_.undivided : own(apart ? Split::train : split);
    if (files.empty() || (apart && split == Split::valid && !valid) || (apart && split == Split::test && !test))
      throw_error<InputError>("{}: has no recordings for the split {}, only for {}", root.string(), split_name(split),
                              fmt::join(names_of_parts(), ", "));
    inspect(files);
    for (const RecordingFile& file : files)
      if (options.channels == 0)
        channels_ = channels_ == 0 ? file.info.channels : std::min(channels_, file.info.channels);
    sample_rate_ = options.sample_rate > 0 ? options.sample_rate : automatic_rate();
    const bool divide = whole || ((apart || split == Split::train) && valid);
    cut(files, split, divide, test);
    if (pieces_.empty())
      throw_error<InputError>("{}: {} too short to be divided: nothing is left for the split {}", root.string(),
                              recordings(files.size()), split_name(split));
    describe(files, split, divide, whole, test);
  }

  int64_t size() const override { return static_cast<int64_t>(pieces_.size()); }
  int num_sources() const override { return 0; }
  int sample_rate() const override { return sample_rate_; }
  int channels() const override { return channels_; }
  bool has_sources() const override { return false; }
  std::vector<fs::path> reads_from() const override {
    std::set<fs::path> folders;  // some are linked to
    for (const Piece& piece : pieces_) folders.insert(piece.file->path().parent_path());
    return {folders.begin(), folders.end()};
  }
  int64_t length(int64_t i) const override {
    return resampled_length(pieces_[i].stretch.frames, pieces_[i].file->info.sample_rate, sample_rate_);
  }
  std::string id(int64_t i) const override { return pieces_[i].id; }
  std::string contents(int64_t i) const override {
    const auto& [file, stretch, id] = pieces_[i];
    return fmt::format("{} {}+{} at {} Hz", file->name.generic_string(), stretch.begin, stretch.frames,
                       file->info.sample_rate);
  }
  std::vector<std::string> notes() const override { return notes_; }

  Mixture load(int64_t i) const override {
    const Signal rows = cache_.get(pieces_[i].id, [&] { return read(pieces_[i]); });
    return {pieces_[i].id, sample_rate_, Tensor::from(*rows, {channels_, length(i)})};
  }

 private:
  // The channels one after another, at the set's rate.
  std::vector<float> read(const Piece& piece) const {
    const Audio audio = read_audio(piece.file->path(), piece.stretch.begin, piece.stretch.frames);
    if (audio.sample_rate != piece.file->info.sample_rate || audio.channels != piece.file->info.channels)
      throw_error<InputError>("{}: was replaced while it was in use: had {} channels at {} Hz, has {} at {} Hz",
                              piece.file->path().string(), piece.file->info.channels, piece.file->info.sample_rate,
                              audio.channels, audio.sample_rate);
    std::vector<float> rows;
    for (int c = 0; c < channels_; ++c) {
      const std::vector<float> converted = resample(channel_of(audio, c), audio.sample_rate, sample_rate_);
      rows.insert(rows.end(), converted.begin(), converted.end());
    }
    return rows;
  }

  std::vector<std::string> names_of_parts() const {
    std::vector<std::string> names;
    for (const Split split : all_splits)
      if (!found_.of[static_cast<size_t>(split)].empty()) names.emplace_back(split_name(split));
    return names;
  }

  // The same for every split of the set.
  int automatic_rate() {
    int lowest = highest_automatic_rate;
    for (RecordingFiles* files : {&found_.of[0], &found_.of[1], &found_.of[2], &found_.undivided}) {
      if (!files->empty() && files->front().info.sample_rate == 0) inspect(*files);
      for (const RecordingFile& file : *files) lowest = std::min(lowest, file.info.sample_rate);
    }
    return lowest;
  }

  void cut(const RecordingFiles& files, Split split, bool divide, bool test) {
    const bool by_name = divide && files.size() >= fewest_to_divide_by_name;
    std::vector<Split> splits;
    if (by_name) {
      std::vector<std::string> names;
      for (const RecordingFile& file : files) names.push_back(file.plain_name());
      splits = splits_by_name(names, test);
    }
    std::set<std::string> ids;
    for (size_t i = 0; i < files.size(); ++i) {
      const RecordingFile& file = files[i];
      std::string id = file.plain_name();
      std::replace(id.begin(), id.end(), '/', '_');
      while (!ids.insert(id).second) id += '~';
      if (by_name && splits[i] != split) continue;
      if (file.info.channels < channels_)
        throw_error<InputError>("{}: expected at least {} channels, one for each microphone, got {}",
                                file.path().string(), channels_, file.info.channels);
      const bool by_time = divide && !by_name;
      const Stretch part = by_time ? stretch_of(split, file.info.frames, test) : Stretch{0, file.info.frames};
      for (const Stretch& stretch : equal_pieces(part, int64_t{longest_item_s} * file.info.sample_rate)) {
        const double start = static_cast<double>(stretch.begin) / file.info.sample_rate;
        const bool whole = stretch.frames == file.info.frames;
        pieces_.push_back({&file, stretch, whole ? id : fmt::format("{}@{:.1f}s", id, start)});
      }
    }
  }

  void describe(const RecordingFiles& files, Split split, bool divide, bool whole, bool test) {
    std::set<int> rates;
    std::set<const RecordingFile*> used;
    size_t more_channels = 0;
    for (const Piece& piece : pieces_) {
      rates.insert(piece.file->info.sample_rate);
      if (used.insert(piece.file).second) more_channels += piece.file->info.channels > channels_;
    }
    notes_.push_back(fmt::format(
        "{}: {} of {} Hz{} in {} items of at most {} s", split_name(split), recordings(used.size()), joined(rates),
        rates == std::set{sample_rate_} ? "" : fmt::format(", converted to {} Hz", sample_rate_), pieces_.size(),
        longest_item_s));
    if (more_channels > 0)
      notes_.push_back(fmt::format(
          "{}: {} with more than {}: the first {} taken", split_name(split), recordings(more_channels),
          channels_ == 1 ? "1 channel" : fmt::format("{} channels", channels_), channels_ == 1 ? "is" : "are"));
    const std::string of = whole ? "the recordings" : "train's recordings";
    if (divide && files.size() >= fewest_to_divide_by_name)
      notes_.push_back(fmt::format("by the hash of their names 10 % of {} are for validation{}", of,
                                   test ? " and 10 % for the test" : ""));
    else if (divide)
      notes_.push_back(fmt::format("of each of {} the first {} % are for training, the next 10 % for validation{}", of,
                                   test ? 80 : 90, test ? " and the last 10 % for the test" : ""));
    if (found_.outside > 0)
      notes_.push_back(fmt::format("{} beside the folders for {} left out", recordings(found_.outside),
                                   fmt::join(names_of_parts(), ", ")));
  }

  Recordings found_;
  int channels_;
  int sample_rate_ = 0;
  std::vector<Piece> pieces_;
  std::vector<std::string> notes_;
  mutable RecordingCache cache_;
};

}  // namespace

std::shared_ptr<const MixtureItems> open_recording_items(const fs::path& folder, Split split,
                                                         const MixtureSetOptions& options) {
  if (has_references(folder, split)) return nullptr;  // of another kind, or damaged
  std::optional<Recordings> found = find_recordings(folder, options.mixture_kind);
  if (!found || (!found->divided() && found->undivided.empty())) return nullptr;
  auto items = std::make_shared<RecordingItems>(folder, std::move(*found), split, options);
  if (options.sources == CleanSources::required)
    throw_error<ReferencesMissing>("{}: expected clean sources (s1, s2) beside the mixtures, found none",
                                   folder.string());
  return items;
}

}  // namespace sunder
