// References and their estimates as folders of files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "evaluate/scored_files.h"

namespace sunder {

struct ScoreSet {
  std::vector<ScoredFiles> items;  // by name
  std::vector<std::string> notes;  // what is not scored, and items with other numbers of sources: a sentence each
};

// Pairs the references with their estimates by name, whatever their kinds (x.flac with x.wav). Items may have different
// numbers of sources, and more estimates than these.
// - x.wav with x.wav;
// - s1/x.wav, s2/x.wav, ... or x/s1.wav, x/s2.wav, ... with estimates laid out as either, as x_s1.wav, ...
//   (sunder-separate) or x_est1.wav, ... (Asteroid), in folders spk1, ... or 1, ... for s1, ... (ESPnet), or as
//   x/s1_estimate.wav, ..., also in the folders of the references (Asteroid's evaluations);
// - x/vocals.wav, x/drums.wav, ... or vocals/x.wav, drums/x.wav, ... with estimates laid out as either or as
//   x_vocals.wav, ...: by name, not by permutation.
// `mixtures` holds x.wav or x/mixture.wav, or is empty; then x/mixture.wav beside the references is used, if all items
// have one. Throws InputError where references have no estimate or no mixture, and as read_score_folder.
ScoreSet find_scored_files(const std::filesystem::path& references, const std::filesystem::path& estimates,
                           const std::filesystem::path& mixtures);

}  // namespace sunder
