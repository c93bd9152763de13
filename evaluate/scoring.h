// The scores of one separated item.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "audio/metrics/score.h"
#include "evaluate/score_columns.h"
#include "tensor/tensor.h"

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
  std::vector<std::vector<Score>> scores;  // [source][column]
  std::vector<int64_t> outputs;            // the output matched to each source
  std::string skipped;                     // why the item has no scores: a reference is silent
  std::string failure;                     // the first failure of the PESQ program; that score is missing
};

struct ScoreTable {
  std::vector<ScoreColumn> columns;
  int64_t sources = 0;
  std::vector<ScoredItem> items;
};

struct ScoredSignals {
  Tensor references, estimates;  // (S, L), (K, L), K >= S
  Tensor mixture;                // (L), undefined without one
  int sample_rate = 0;           // Hz
};

// Signals are real, on the CPU. Each source gets one output of its own, the same for all metrics: the assignment with
// the largest sum of permutation_by, where an undefined score counts as the worst. Throws UsageError for a
// permutation_by that cannot match outputs, Error for other shapes and for samples that are not finite. A score that
// does not exist says why instead.
ScoredItem score_item(const std::string& name, const ScoredSignals& signals, const std::vector<ScoreColumn>& columns,
                      const ScoringOptions& options);

}  // namespace sunder
