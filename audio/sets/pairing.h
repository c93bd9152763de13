// Which recordings go into which mixture: a pure function of the arguments, the same on every machine.
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
  // A recording is in a pass once for every window of speech that it holds, not once alone: long ones are used more
  // often (pair_voices).
  bool by_duration = false;
};

// SC09Mix: mixture i takes the next `num_sources` recordings of a shuffled pass over the recordings, which is shuffled
// again at its end; speakers and words may be equal. Source: ertug/MixCycle, src/sc09mix.py.
std::vector<ListedMixture> pair_cycling(const std::vector<Recording>& recordings, const PairingOptions& options);

// Voices: the first source goes through shuffled passes, so that all recordings are used equally often; the others are
// drawn from the recordings of speakers not yet in the mixture. A recording shorter than the window is placed at a
// random position; of a longer one a random segment is taken, the first of up to 20 that is active for half of it, else
// the most active. Throws InputError for fewer speakers than sources.
std::vector<ListedMixture> pair_voices(const std::vector<Screened>& recordings, const PairingOptions& options);

}  // namespace sunder
