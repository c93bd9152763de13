#include "audio/sets/noise_list.h"

#include <algorithm>

#include "audio/file.h"
#include "audio/listing.h"
#include "audio/sets/recording_splits.h"
#include "files/csv.h"
#include "files/missing_files.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace sunder {

namespace fs = std::filesystem;

namespace {

// Of the streams of random numbers of a split, beside those of its sources.
constexpr uint32_t of_noise = 255;

std::vector<std::string> listed(const fs::path& folder, Split split) {
  const CsvTable table = CsvTable::read(folder / "splits.csv");
  table.require({"path", "split"});
  std::vector<std::string> names;
  MissingFiles missing;
  for (int64_t row = 0; row < table.size(); ++row) {
    const std::string& name = table.at(row, "path");
    missing.look_for(folder / name, table.where(row));
    if (parse_split(table.at(row, "split"), table.where(row)) == split) names.push_back(name);
  }
  missing.require_none();
  return names;
}

std::vector<std::string> by_name(const fs::path& folder, Split split) {
  std::vector<std::string> names, plain, chosen;
  for (const fs::path& file : list_audio(folder, /*recursive=*/true)) {
    names.push_back(file.generic_string());
    plain.push_back(fs::path(file).replace_extension().generic_string());
  }
  if (names.size() < 3)
    throw_error<InputError>("{}: expected at least three recordings of noise, one for each split, found {}",
                            folder.string(), names.size());
  const std::vector<Split> splits = splits_by_name(plain, /*test=*/true);
  for (size_t i = 0; i < names.size(); ++i)
    if (splits[i] == split) chosen.push_back(names[i]);
  return chosen;
}

}  // namespace

std::vector<std::string> noise_recordings(const fs::path& folder, Split split) {
  require_folder(folder);
  std::vector<std::string> names = fs::exists(folder / "splits.csv") ? listed(folder, split) : by_name(folder, split);
  std::sort(names.begin(), names.end());
  return names;
}

void draw_noise(std::vector<ListedMixture>& mixtures, const fs::path& folder,
                const std::vector<std::string>& recordings, int sample_rate, int64_t window, uint64_t seed,
                Split split) {
  if (mixtures.empty()) return;
  if (recordings.empty())
    throw_error<InputError>("{}: expected recordings of noise for the split {}, found none", folder.string(),
                            split_name(split));
  std::vector<int64_t> lengths;  // at the set's rate
  for (const std::string& name : recordings) {
    const AudioInfo info = audio_info(folder / name);
    lengths.push_back(info.frames * sample_rate / info.sample_rate);
    if (lengths.back() < 1) throw_error<InputError>("{}: expected noise, found no samples", (folder / name).string());
  }
  for (size_t i = 0; i < mixtures.size(); ++i) {
    Random random(seed, RandomUse::mixing, static_cast<uint32_t>(split) << 8 | of_noise, i);
    const uint64_t which = random.below(recordings.size());
    mixtures[i].noise_path = recordings[which];
    const int64_t starts = lengths[which] > window ? lengths[which] - window + 1 : lengths[which];
    mixtures[i].noise_begin = static_cast<int64_t>(random.below(static_cast<uint64_t>(starts)));
  }
}

}  // namespace sunder
