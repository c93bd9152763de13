// Scores a network on the validation set: the criterion of the best checkpoint, and the collapse monitor.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "audio/sets/mixture_set.h"
#include "nn/separator.h"
#include "train/config.h"
#include "train/loader.h"
#include "train/validation_values.h"

namespace sunder {

// A warning is due below this mean ratio of the weaker to the stronger output. MixCycle's trivial fixed point is the
// mixture in one output and silence in the other; references of equal level are within about 10 dB of each other.
inline constexpr double collapse_warning_db = -25;

struct ValidationScores {
  // dB, best assignment of the sources to distinct outputs, mean over sources and items; none where the set has no
  // clean sources.
  std::optional<double> si_snri;
  std::optional<double> oracle;      // dB, MixIT only: outputs summed into sources by the best assignment
  double weaker_to_stronger_db = 0;  // energy of the output that is S-th in loudness (S sources) over that of the
                                     // loudest, mean over items; MixIT's spare outputs may be silent
  std::optional<double> sources_weaker_db{};  // the same of the clean sources
  double like_mixture_db = 0;  // SI-SNR against the mixture of the output that is least like it, within +-60 dB, mean
                               // over items
  // Where there are as many outputs as clean sources (audio/metrics/bin_order.h), means over sources and items.
  std::optional<double> bins_in_order{};   // share
  std::optional<double> si_snri_by_bin{};  // dB, with the best order of the outputs in every bin
  std::optional<double> blind;             // dB, SI-SNRi of the network against its own estimates on re-mixed estimates
  std::optional<double> loss;              // the method's own, mean over items
  int64_t items = 0;                       // with a score: an item with a silent source has none
  std::string unscored;                    // a sentence where SI-SNRi or the blind score was wanted and no item has one
};

// One mixture of the set (its first seconds) and its estimates.
struct ValidationExample {
  std::string id;
  int sample_rate = 0;  // Hz
  std::vector<float> mixture;
  std::vector<std::vector<float>> estimates;
};

// A method's own loss, mean over the batch (on the host), without an update.
using ValidationLoss = std::function<double(const Batch&)>;

class Validator {
 public:
  // Segments follow the rule of the training segments (the authors' code), judged by clean sources only if the method
  // reads them (with_references); with data.segment_seconds 0 items are whole. `ranks`, which share the items, must
  // outlive it; null: one process does it all.
  Validator(MixtureSet set, const Config& config, DType dtype, Stream stream, bool with_references,
            Communicator* ranks = nullptr);

  // `epoch` seeds the segments; with validation.select = valid_loss they are the same in every epoch. The blind score
  // takes a second forward pass and is computed only on request; it exists for two outputs. Empty if a signal requested
  // a stop (command/signals.h): a large set could outlast the grace period. An SI-SNRi that no item has is NaN. `loss`
  // may be empty; it takes another pass. most_items: of the first ones; 0: all. All ranks call it alike and get the
  // same scores, or none where one of them was asked to stop.
  std::optional<ValidationScores> run(const Separator& network, int64_t epoch, bool with_blind,
                                      const ValidationLoss& loss = {}, int64_t most_items = 0) const;
  ValidationExample example(const Separator& network) const;
  // Throws InputError for an item that is shorter than `samples`.
  void require_length(int64_t samples) const;

  int64_t size() const { return count_; }
  bool has_sources() const { return set_.has_sources(); }
  int sample_rate() const { return set_.sample_rate(); }

 private:
  // This rank's part of a batch. blind_number: the batch's, by which estimates are swapped; negative: no blind score.
  ValidationValues measure(const Separator& network, std::span<const int64_t> batch, int64_t length, int64_t epoch,
                           int64_t blind_number, const ValidationLoss& loss) const;
  std::optional<ValidationScores> scores_of(const std::optional<ValidationValues>& values, bool with_blind) const;
  int64_t length(int64_t i) const { return segment_ > 0 ? segment_ : set_.length(i); }

  MixtureSet set_;
  Config config_;
  DType dtype_;
  Stream stream_;
  bool with_references_;
  mutable Communicator alone_;  // where there are no ranks
  Communicator& ranks_;
  int64_t count_;
  int64_t segment_;  // samples; 0: whole items
  int64_t sources_;  // in a mixture
};

}  // namespace sunder
