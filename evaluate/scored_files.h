// The files of one item: references, their estimates, and the mixture.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "evaluate/scored_signals.h"
#include "tensor/error.h"

namespace sunder {

struct ScoredFiles {
  std::string name;
  std::vector<std::string> sources{};               // their names
  std::vector<std::filesystem::path> references{};  // one a source
  std::vector<std::filesystem::path> estimates{};   // no fewer
  std::filesystem::path mixture{};                  // empty without mixtures
  bool matched = false;                             // estimate s is that of source s
};

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

// Reads the headers alone. Throws InputError for files of unequal rates or numbers of channels, LengthsDiffer, and
// OutOfMemory where the samples need more than `memory_bytes`.
void check_scored_files(const ScoredFiles& files, Align align, int64_t memory_bytes);

// All signals of an item, float64; (N, M, L) of more than one channel. Throws as read_audio_double and
// check_scored_files do.
ScoredSignals read_scored_files(const ScoredFiles& files, Align align);

}  // namespace sunder
