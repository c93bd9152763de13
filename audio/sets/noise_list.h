// Which recordings of noise go into the mixtures of a list.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "audio/corpora/corpus.h"
#include "audio/sets/mixture_list.h"

namespace sunder {

// The recordings of a folder of noise that are for a split, relative to it with forward slashes and sorted: as
// splits.csv says (path, split), else by the hash of their path without its ending (audio/sets/recording_splits.h), so
// that no split hears another's noise. Throws InputError for a folder without recordings, for fewer than three without
// splits.csv, and for a splits.csv that names another split or a missing file.
std::vector<std::string> noise_recordings(const std::filesystem::path& folder, Split split);

// Gives each mixture one of the recordings and where in it the noise begins: at random, and so that it is not over
// within the window where the recording is long enough. A function of the arguments and the files' lengths. sample_rate
// (Hz) and window (samples): the set's. Throws InputError for recordings that cannot be read.
void draw_noise(std::vector<ListedMixture>& mixtures, const std::filesystem::path& folder,
                const std::vector<std::string>& recordings, int sample_rate, int64_t window, uint64_t seed,
                Split split);

}  // namespace sunder
