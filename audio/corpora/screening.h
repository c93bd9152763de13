// A look at every recording of a corpus before it is mixed: broken or silent files show up here and not in the middle
// of a training, and the quiet around the speech is found.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "audio/corpora/corpus.h"
#include "audio/progress.h"
#include "audio/recording.h"

namespace sunder {

struct ScreeningOptions {
  int sample_rate = 8000;  // Hz, of the counts below
  Channels channels = Channels::one;
  bool trim = false;  // to the part from the first to the last active frame
  // A frame of 20 ms is active within this many dB of the recording's loudest frame (mean removed).
  double active_db = 35;
  double min_seconds = 0;  // of what is left of a recording
  double max_seconds = std::numeric_limits<double>::infinity();
  bool skip_unusable = false;  // leave out files that cannot be read or are silent; otherwise they are errors
};

struct Screened {
  Recording recording;
  // The part to be heard, in samples at the options' rate, and for each of its whole frames of 20 ms if it is active.
  int64_t begin = 0;
  int64_t length = 0;
  std::vector<bool> active;
};

struct ScreeningResult {
  std::vector<Screened> kept;
  int64_t too_short = 0;
  int64_t too_long = 0;
  std::vector<std::string> unusable;  // messages, of the files left out with skip_unusable
};

// Decodes each recording once, on all threads. Throws InputError for the first file that is no usable recording.
ScreeningResult screen(const Corpus& corpus, const ScreeningOptions& options, const Progress& progress = {});

// Samples per frame and the mean power of each whole frame of 20 ms, without the signal's mean.
int64_t frame_length(int sample_rate);
std::vector<double> frame_powers(std::span<const float> signal, int sample_rate);

}  // namespace sunder
