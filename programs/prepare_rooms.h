// sunder-prepare rooms: speech in simulated rooms, as an SMS-WSJ tree.
#pragma once

#include <CLI/CLI.hpp>
#include <array>
#include <cstdint>
#include <string>

#include "audio/corpora/corpus.h"

namespace sunder {

struct RoomsOptions {
  std::string speech, output;
  std::array<int64_t, 3> counts = {600, 60, 60};  // mixtures of train, valid and test
  uint64_t seed = 0;
  double min_seconds = 1, max_seconds = 0;  // of an utterance; a longest of 0: any
  int threads = 0;
  bool downmix = false, force = false, skip_unusable = false;
  SpeakerSplit split;
};

CLI::App* add_rooms(CLI::App& app, RoomsOptions& options);
void prepare_rooms(RoomsOptions& options);

}  // namespace sunder
