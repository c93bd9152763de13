// Mixture sets as lists: a folder with set.toml (what holds for all mixtures) and train.csv, valid.csv, test.csv (one
// mixture per line). They name recordings of a corpus, which are mixed when they are loaded, with the same result on
// every machine.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "audio/corpora/corpus.h"
#include "audio/mixing.h"
#include "audio/recording.h"

namespace sunder {

// Noise that is in the mixtures and none of their sources.
struct NoiseConfig {
  std::string kind = "none";               // "white" (Gaussian) or "recordings"
  std::filesystem::path folder{};          // of the recordings, as SetConfig::corpus
  double snr_low_db = 0, snr_high_db = 0;  // the sum of a mixture's sources against its noise: uniform between these
};

// set.toml. Every source is placed in a window, gets a noise floor and is standardised; the mixture is their sum.
struct SetConfig {
  std::string rule{};              // "sc09mix" or "voices": how the list was drawn
  std::filesystem::path corpus{};  // absolute, or relative to the set's folder
  int sample_rate = 8000;          // Hz; recordings are converted to it
  int64_t window = 8000;           // samples of every mixture
  int num_sources = 2;
  uint64_t seed = 0;
  Channels channels = Channels::one;
  std::optional<double> noise_floor_db{};  // noise relative to each source's active level; none without it
  double levels_db = 0;  // sources' levels differ by up to this much: each is drawn within half of it around 0 dB
  NoiseConfig noise{};
};

inline constexpr double most_levels_db = 60, most_snr_db = 100;

struct ListedSource {
  std::string path;                    // relative to the corpus
  std::optional<Placement> placement;  // at the set's rate; centred where there is none
  std::string speaker{};               // empty where the list does not say
};

struct ListedMixture {
  std::string id;
  std::vector<ListedSource> sources;
  std::string noise_path{};  // relative to NoiseConfig::folder, from sample noise_begin at the set's rate; a recording
  int64_t noise_begin = 0;   // that ends within the window begins again
};

// Columns mixture_id, source_1_path, source_2_path, ... and, where the mixtures have placements, source_1_begin,
// source_1_length, source_1_start, ..., where the speakers are known source_1_speaker, ..., of sets with recorded noise
// noise_path and noise_begin. Errors: those of CsvTable;
// InputError for an empty list or a placement outside the window.
std::vector<ListedMixture> read_mixture_list(const std::filesystem::path& csv, const SetConfig& config);
void write_mixture_list(const std::filesystem::path& csv, const std::vector<ListedMixture>& mixtures, int num_sources);

// Throws InputError for a missing file, a key that is missing, unknown, of the wrong type or out of range.
SetConfig read_set_config(const std::filesystem::path& toml);
// Throws InputError for a corpus whose path is not UTF-8.
void write_set_config(const std::filesystem::path& toml, const SetConfig& config);

// How set.toml names a corpus: relative to the set if both are in one folder below the file system's root, so that they
// can be moved together; else absolute.
std::filesystem::path corpus_reference(const std::filesystem::path& corpus, const std::filesystem::path& set);

}  // namespace sunder
