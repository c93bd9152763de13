// Which recordings meet in which mixture. A list is a pure function of its arguments: the same on every machine.
#pragma once

#include <cstdint>
#include <vector>

#include "audio/corpora/screening.h"
#include "audio/sets/mixture_list.h"

namespace sunder {

struct PairingOptions {
  Split split = Split::train;
  int64_t count = 0;  // mixtures
  int num_sources = 2;
  uint64_t seed = 0;
  int64_t window = 0;  // samples of a mixture (pair_voices)
  int sample_rate = 8000;
};

// SC09Mix: mixture i takes the next `num_sources` recordings of a shuffled pass over the recordings, which is shuffled
// anew and repeated for ever; no rule against equal speakers or words. Source: ertug/MixCycle, src/sc09mix.py.
std::vector<ListedMixture> pair_cycling(const std::vector<Recording>& recordings, const PairingOptions& options);

// Voices: the first source goes through shuffled passes, so that all recordings are heard equally often; the others are
// drawn from those of speakers not yet in the mixture. A recording shorter than the window is placed at a random moment
// of it; of a longer one a random segment is cut, drawn again (up to 20 times) while less than half of it is active.
// Throws InputError for fewer speakers than sources.
std::vector<ListedMixture> pair_voices(const std::vector<Screened>& recordings, const PairingOptions& options);

}  // namespace sunder
