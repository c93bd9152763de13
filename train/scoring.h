// Scores of separated items as a table: which numbers, their values, and what they come to.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace sunder {

// One number per item and source. SI-SNR without removing the mean is what others call SI-SDR: both names are accepted
// and stand for the same number.
struct ScoreColumn {
  enum class Kind {
    estimate,            // SI-SNR of the estimate
    improvement,         // above the mixture's
    irm_improvement,     // of ideal ratio masks (audio/metrics/oracle_masks.h): the bound beside the score
    oracle_improvement,  // of the outputs added up in the best way (MixIT's networks have more outputs than sources)
    mixture,             // SI-SNR of the mixture itself: in the summary, not in the table of items
  };
  Kind kind;
  std::string name;   // "si_snr", "irm_si_snri"
  std::string label;  // "SI-SNR", "SI-SNRi of ideal ratio masks"
};

// What the items that are scored have.
struct ScoredForm {
  bool with_mixture = true;
  bool more_outputs = false;  // than sources
};

// Columns for metrics out of si_snr, si_snri, si_sdr, si_sdri, in their order. Throws UsageError for another name, for
// none, for the same twice, and for an improvement without mixtures.
std::vector<ScoreColumn> score_columns(const std::vector<std::string>& metrics, const ScoredForm& form);

struct ScoredItem {
  std::string name;
  std::vector<std::vector<std::optional<double>>> scores;  // [source][column], dB; empty where it is undefined
  std::vector<int64_t> outputs;                            // which output was matched to each source
  std::string skipped;  // why the item takes no part: its references are silent; then all scores are undefined
};

struct ScoreTable {
  std::vector<ScoreColumn> columns;
  int64_t sources = 0;
  std::vector<ScoredItem> items;
};

// references: (S, L); estimates: (K, L), K >= S, matched by the best sum of SI-SNR; mixture: (L), or not defined. All
// real, on the CPU.
ScoredItem score_item(const std::string& name, const Tensor& references, const Tensor& estimates, const Tensor& mixture,
                      const std::vector<ScoreColumn>& columns);

struct ScoreSummary {
  int64_t count = 0;                        // of scores that are defined, over items and sources
  std::optional<double> mean, median, std;  // std with count - 1; infinite scores make infinite means
};

ScoreSummary summarise(const ScoreTable& table, size_t column);

}  // namespace sunder
