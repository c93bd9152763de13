// Checks every recording of a corpus before it is mixed, so that broken and silent files are found now and not in the
// middle of a training, and finds the pauses around the speech.
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
  int sample_rate = 8000;  // Hz; all sample counts are at this rate
  Channels channels = Channels::one;
  bool trim = false;  // cut to the part from the first to the last active frame
  // A frame of 20 ms is active within this many dB of the recording's loudest frame (mean removed).
  double active_db = 35;
  double min_seconds = 0;  // after trimming
  double max_seconds = std::numeric_limits<double>::infinity();
  bool skip_unusable = false;  // leave out files that cannot be read or are silent; otherwise they are errors
};

struct Screened {
  Recording recording;
  // The part to use, in samples at the options' rate, and whether each of its whole 20 ms frames is active.
  int64_t begin = 0;
  int64_t length = 0;
  std::vector<bool> active;
};

struct ScreeningResult {
  std::vector<Screened> kept;
  int64_t too_short = 0;
  int64_t too_long = 0;
  std::vector<std::string> unusable;  // messages about the files left out by skip_unusable
};

// Decodes each recording once, on all threads. Throws InputError for a file that is not usable, unless skip_unusable is
// set.
ScreeningResult screen(const Corpus& corpus, const ScreeningOptions& options, const Progress& progress = {});

// Samples in a frame of 20 ms, and the mean power of each whole frame after the signal's mean is removed.
int64_t frame_length(int sample_rate);
std::vector<double> frame_powers(std::span<const float> signal, int sample_rate);

}  // namespace sunder
