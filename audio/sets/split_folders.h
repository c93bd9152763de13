// Where a set that is divided by folders has its splits, and what stands in them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "audio/corpora/corpus.h"

namespace sunder {

// The folders below `root` that may hold a split, the first choice first: those of LibriMix and WSJ0-2mix
// (wav8k/min/train-360, wav8k/min/tr, ...), then train, valid or dev, test and the like in `root` itself.
std::vector<std::filesystem::path> split_folders(const std::filesystem::path& root, Split split);

// Which of a tree's mixtures: "auto", or what follows mix_ in the name of their folder in LibriMix, WHAM! and WHAMR!.
const std::vector<std::string>& mixture_kinds();
// Whether mixtures of that kind hold noise, which is none of their sources.
bool is_noisy(const std::string& mixture_kind);

// The folder of mixtures of that kind in a split's folder; auto: mix_clean, mix_clean_anechoic or mix, and of a tree
// that has noisy ones alone, these. Empty where there is none.
std::filesystem::path mixture_folder(const std::filesystem::path& split_folder, const std::string& mixture_kind);

// The folder of source s = 1, 2, ...: s1, or WHAMR!'s s1_anechoic, whose tasks have dry sources for all mixtures. Empty
// where there is none.
std::filesystem::path source_folder(const std::filesystem::path& split_folder, int s);

}  // namespace sunder
