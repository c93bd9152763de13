// Where a set that is divided by folders has its splits.
#pragma once

#include <filesystem>
#include <vector>

#include "audio/corpora/corpus.h"

namespace sunder {

// The folders below `root` that may hold a split, the first choice first: those of LibriMix and WSJ0-2mix
// (wav8k/min/train-360, wav8k/min/tr, ...), then train, valid or dev, test and the like in `root` itself.
std::vector<std::filesystem::path> split_folders(const std::filesystem::path& root, Split split);

}  // namespace sunder
