// What a network does on the validation set: the score that picks the best checkpoint, and the collapse monitor.
#pragma once

#include <optional>

#include "audio/mixture_set.h"
#include "nn/separator.h"
#include "train/config.h"

namespace sunder {

// Below this mean ratio of the weaker to the stronger output a warning is due: MixCycle's trivial fixed point gives the
// mixture in one output and silence in the other, and references of equal level lie within some 10 dB of each other.
inline constexpr double collapse_warning_db = -25;

struct ValidationScores {
  double si_snri = 0;              // dB, best assignment of the sources to distinct outputs, mean over sources and items
  std::optional<double> oracle;    // dB, MixIT alone: outputs summed into sources in the best way
  double weaker_to_stronger_db = 0;  // energy of the weakest output over that of the strongest, mean over items
  double blind = 0;                // dB, SI-SNRi of the network against its own estimates on re-mixed estimates
  int64_t items = 0;               // that took part: none with a silent source
};

class Validator {
 public:
  // Segments follow the rule of the training segments (the authors' code); with data.segment_seconds 0 items are whole.
  Validator(MixtureSet set, const Config& config, DType dtype, Stream stream);

  // `epoch` draws the segments. The blind score costs a second pass and is left 0 unless asked for.
  ValidationScores run(const Separator& network, int64_t epoch, bool with_blind) const;
  int64_t size() const { return count_; }
  int sample_rate() const { return set_.sample_rate(); }

 private:
  MixtureSet set_;
  Config config_;
  DType dtype_;
  Stream stream_;
  int64_t count_;
};

}  // namespace sunder
