// References and their estimates as folders of files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "evaluate/scoring.h"
#include "tensor/error.h"

namespace sunder {

struct ScoredFiles {
  std::string name;
  std::vector<std::filesystem::path> references, estimates;
  std::filesystem::path mixture;  // empty without mixtures
};

// Pairs references/x.wav with estimates/x.wav, or references/s1/x.wav, references/s2/x.wav, ... with
// estimates/s1/x.wav,
// ... or, as sunder-separate writes them, with estimates/x_s1.wav, ... (WAV only). There may be more estimates than
// sources. `mixtures` holds x.wav, or is empty. Reads WAV, FLAC and OGG in the order of their names; estimates without
// a reference are ignored. Throws InputError for a folder without recordings and for the first file that is missing.
std::vector<ScoredFiles> find_scored_files(const std::filesystem::path& references,
                                           const std::filesystem::path& estimates,
                                           const std::filesystem::path& mixtures);

// How the files of an item get one length.
enum class Align {
  none,  // they must have it
  trim,  // cut to the shortest
  pad,   // with zeros to the longest
};

// Files of one item have unequal lengths, and Align is none.
struct LengthsDiffer : InputError {
  using InputError::InputError;
};

// Reads the headers alone. Throws InputError for files of unequal rates, LengthsDiffer.
void check_scored_files(const ScoredFiles& files, Align align);

// All signals of an item, float32. Throws as read_mono and check_scored_files do.
ScoredSignals read_scored_files(const ScoredFiles& files, Align align);

}  // namespace sunder
