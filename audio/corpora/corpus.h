// Corpora of recorded speech: which recordings there are, who speaks, and which split each belongs to.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace sunder {

enum class Split { train, valid, test };
inline constexpr std::array<Split, 3> all_splits = {Split::train, Split::valid, Split::test};

const char* split_name(Split split);  // "train", "valid", "test"
// Throws InputError beginning with `where` for any other name.
Split parse_split(const std::string& name, const std::string& where);

struct Recording {
  std::string path;  // relative to the corpus root, with forward slashes
  std::string speaker;
  std::string label;  // the word spoken, where it is known
  Split split = Split::train;
};

struct Corpus {
  std::filesystem::path root;
  std::vector<Recording> recordings;

  std::vector<Recording> of(Split split) const;
};

// `splits.csv` in the root with the columns path, speaker, split (train, valid, test) and, optionally, label; others
// are ignored. Throws InputError for missing columns, an empty list, an empty path or speaker, a duplicate path, or a
// missing file.
Corpus read_splits_csv(const std::filesystem::path& root);

// A Speech Commands tree: a folder per word. Recordings come word by word in sorted order of the file names. The name
// up to `_nohash_` is the speaker, and its hash percentage the split: below 10 valid, below 20 test, else train.
// Source: Speech Commands' README, `which_set`; ertug/MixCycle, src/lib/data/sc09.py. Throws InputError for a word
// without a folder or a folder without recordings.
Corpus read_speech_commands(const std::filesystem::path& root, const std::vector<std::string>& words);
const std::vector<std::string>& spoken_digits();  // zero, one, ... nine

struct SpeakerSplit {
  double valid = 0.1;  // share of the speakers, at least one
  double test = 0.1;
  uint64_t seed = 0;
};

// A folder per speaker, with recordings at any depth (audio/listing.h). Whole speakers are drawn for valid and test.
// Throws InputError for an empty root and for fewer speakers than the splits need (two each).
Corpus read_speaker_folders(const std::filesystem::path& root, const SpeakerSplit& split);

// Throws InputError if the split has recordings of fewer than `least` speakers, so many as a mixture has.
void require_speakers(const Corpus& corpus, Split split, size_t least);

}  // namespace sunder
