#include "audio/corpora/corpus.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "audio/listing.h"
#include "files/csv.h"
#include "files/digest.h"
#include "files/missing_files.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace sunder {

const char* split_name(Split split) {
  return split == Split::train ? "train" : split == Split::valid ? "valid" : "test";
}

Split parse_split(const std::string& name, const std::string& where) {
  for (const Split split : all_splits)
    if (name == split_name(split)) return split;
  throw_error<InputError>("{}: expected a split train, valid or test, got \"{}\"", where, name);
}

std::vector<Recording> Corpus::of(Split split) const {
  std::vector<Recording> chosen;
  std::copy_if(recordings.begin(), recordings.end(), std::back_inserter(chosen),
               [&](const Recording& recording) { return recording.split == split; });
  return chosen;
}

Corpus read_splits_csv(const std::filesystem::path& root) {
  require_folder(root);
  const CsvTable table = CsvTable::read(root / "splits.csv");
  table.require({"path", "speaker", "split"});
  if (table.size() == 0) throw_error<InputError>("{}: lists no recordings", (root / "splits.csv").string());
  Corpus corpus{root, {}};
  std::set<std::string> seen;
  MissingFiles missing;
  for (int64_t row = 0; row < table.size(); ++row) {
    Recording recording;
    recording.path = table.at(row, "path");
    recording.speaker = table.at(row, "speaker");
    recording.split = parse_split(table.at(row, "split"), table.where(row));
    if (table.has("label")) recording.label = table.at(row, "label");
    if (recording.path.empty() || recording.speaker.empty())
      throw_error<InputError>("{}: expected a path and a speaker, got an empty field", table.where(row));
    if (!seen.insert(recording.path).second)
      throw_error<InputError>("{}: {} is listed twice", table.where(row), recording.path);
    missing.look_for(root / recording.path, table.where(row));
    corpus.recordings.push_back(std::move(recording));
  }
  missing.require_none();
  return corpus;
}

const std::vector<std::string>& spoken_digits() {
  static const std::vector<std::string> digits = {"zero", "one", "two",   "three", "four",
                                                  "five", "six", "seven", "eight", "nine"};
  return digits;
}

Corpus read_speech_commands(const std::filesystem::path& root, const std::vector<std::string>& words) {
  require_folder(root);
  Corpus corpus{root, {}};
  for (const std::string& word : words) {
    std::error_code failure;
    if (!std::filesystem::exists(root / word, failure) && !failure)
      throw_error<InputError>("{}: expected a folder per word (Speech Commands), no folder \"{}\"", root.string(),
                              word);
    const std::vector<std::filesystem::path> names = list_audio(root / word, true);
    if (names.empty()) throw_error<InputError>("{}: holds no recordings", (root / word).string());
    for (const std::filesystem::path& name : names) {
      const std::string stem = name.stem().string();
      const std::string speaker = stem.substr(0, stem.find("_nohash_"));
      const double percentage = hash_percentage(speaker);
      const Split split = percentage < 10 ? Split::valid : percentage < 20 ? Split::test : Split::train;
      corpus.recordings.push_back(
          {.path = word + "/" + name.string(), .speaker = speaker, .label = word, .split = split});
    }
  }
  return corpus;
}

Corpus read_speaker_folders(const std::filesystem::path& root, const SpeakerSplit& split) {
  require_folder(root);
  std::map<std::string, std::vector<std::string>> speakers;
  for (const std::filesystem::path& path : list_audio(root, true))
    if (path.has_parent_path()) speakers[path.begin()->string()].push_back(path.string());
  const auto count = static_cast<int64_t>(speakers.size());
  const auto share = [&](double fraction) {
    return fraction <= 0 ? 0 : std::max<int64_t>(2, std::llround(fraction * static_cast<double>(count)));
  };
  const int64_t valid = share(split.valid), test = share(split.test);
  if (count - valid - test < 2)
    throw_error<InputError>(
        "{}: expected at least {} speaker folders with recordings (2 for training, {} for valid, "
        "{} for test), got {}",
        root.string(), 2 + valid + test, valid, test, count);
  const std::vector<int64_t> order = Random(split.seed, RandomUse::partition).permutation(count);
  Corpus corpus{root, {}};
  int64_t index = 0;
  for (const auto& [speaker, paths] : speakers) {
    const int64_t place = order[index++];
    const Split chosen = place < valid ? Split::valid : place < valid + test ? Split::test : Split::train;
    for (const std::string& path : paths)
      corpus.recordings.push_back({.path = path, .speaker = speaker, .label = "", .split = chosen});
  }
  return corpus;
}

void require_speakers(const Corpus& corpus, Split split, size_t least) {
  std::set<std::string> speakers;
  for (const Recording& recording : corpus.recordings)
    if (recording.split == split) speakers.insert(recording.speaker);
  if (speakers.empty())
    throw_error<InputError>("{}: no recordings in the split {}", corpus.root.string(), split_name(split));
  if (speakers.size() < least)
    throw_error<InputError>("{}: mixtures of {} different speakers need as many, the split {} has {} ({})",
                            corpus.root.string(), least, split_name(split), speakers.size(), fmt::join(speakers, ", "));
}

}  // namespace sunder
