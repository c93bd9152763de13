// Sets of listed mixtures, which are mixed while they are read: sc09mix and voices.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "audio/recording.h"
#include "audio/sets/pairing.h"
#include "programs/prepare_options.h"

namespace sunder {

struct ListOptions : CorpusOptions {
  int sample_rate = 8000, num_sources = 2;
  double seconds = 1;
  bool write_audio = false;
  std::string noise;                  // empty, "white", or a folder of recordings
  std::vector<double> snr = {0, 15};  // dB, lowest and highest
};
void add_list_options(CLI::App& command, ListOptions& options);

// What set.toml says beside the options.
struct ListRule {
  std::string name;
  Channels channels = Channels::one;
  std::optional<double> noise_floor_db{};
  double levels_db = 0;
};

// The folders that a set is made of.
std::vector<std::string> inputs_of(const ListOptions& options, const std::string& corpus);

using Pairing =
    std::function<std::vector<ListedMixture>(const std::vector<Screened>& recordings, const PairingOptions& options)>;

// Screens the corpus, pairs the recordings of each split and writes the set.
void write_list_set(const Corpus& corpus, const ListOptions& options, const ListRule& rule, ScreeningOptions screening,
                    const Pairing& pair, OutputFolder& output);

}  // namespace sunder
