// The scores of one separated item.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "audio/metrics/score.h"
#include "evaluate/score_columns.h"
#include "evaluate/scored_signals.h"

namespace sunder {

// PESQ of two signals of one length, as PesqProgram::score.
using PesqFunction = std::function<Score(std::span<const float> reference, std::span<const float> degraded,
                                         int sample_rate, PesqBand band)>;

struct ScoringOptions {
  std::string permutation_by = "si_sdr";  // a metric with matches_outputs
  bool zero_mean = false;                 // SI-SDR without the means of both signals
  PesqFunction pesq{};                    // needed where a column is PESQ
};

struct ScoredItem {
  std::string name;
  std::vector<std::string> sources;             // their names
  std::vector<std::vector<Score>> scores = {};  // [source][column]; none of an item that was skipped or failed
  std::vector<int64_t> outputs = {};            // the output matched to each source
  std::string skipped = {};                     // why the item has no scores: a reference is silent
  std::string failure = {};                     // the first failure of the PESQ program; that score is missing
  std::string failed = {};                      // why the item could not be read, separated or scored

  bool has_scores() const { return skipped.empty() && failed.empty(); }
};

// Items may have different numbers of sources.
struct ScoreTable {
  std::vector<ScoreColumn> columns;
  std::vector<ScoredItem> items;
};

// Signals are real, on the CPU. Each source gets one output of its own, the same for all metrics: the assignment with
// the largest sum of permutation_by, where an undefined score counts as the worst. Of several channels, metrics of
// pairs (SI-SDR, SNR) take all as one signal, the others are means over the channels in which the reference is not
// silent, and the masks are made in each. Throws UsageError for a permutation_by that cannot match outputs, Error for
// other shapes, for samples that are not finite or whose energies a double cannot hold, and where there are too many
// outputs to try all matches. A score that does not exist says why instead.
ScoredItem score_item(const std::string& name, const ScoredSignals& signals, const std::vector<ScoreColumn>& columns,
                      const ScoringOptions& options);

}  // namespace sunder
