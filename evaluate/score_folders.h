// References and their estimates as folders of files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "evaluate/scoring.h"

namespace sunder {

struct ScoredFiles {
  std::string name;
  std::vector<std::filesystem::path> references, estimates;
  std::filesystem::path mixture;  // empty without mixtures
};

// references/x.wav with estimates/x.wav, or references/s1/x.wav, references/s2/x.wav, ... with estimates/s1/x.wav, ...
// or, as sunder-separate writes them, estimates/x_s1.wav, ... (WAV alone); estimates may have more outputs than there
// are sources. `mixtures` holds x.wav, or is empty. WAV, FLAC and OGG, in the order of their names; files in
// `estimates` that have no reference are not looked at. Throws InputError for a folder without recordings and for the
// first file that is missing.
std::vector<ScoredFiles> find_scored_files(const std::filesystem::path& references,
                                           const std::filesystem::path& estimates,
                                           const std::filesystem::path& mixtures);

// What to do with an item's files of unequal lengths.
enum class Align {
  none,  // it is an error
  trim,  // cut to the shortest
  pad,   // zeros up to the longest
};

// Throws InputError, by the headers alone, for files of unequal rates or lengths.
void check_scored_files(const ScoredFiles& files, Align align);

// All signals of an item, float32. Throws InputError, as read_mono does and for files of unequal rates or lengths.
ScoredSignals read_scored_files(const ScoredFiles& files, Align align);

}  // namespace sunder
