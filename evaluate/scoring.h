// Scores of separated items.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "audio/metrics/score.h"
#include "evaluate/score_columns.h"
#include "tensor/tensor.h"

namespace sunder {

// PESQ of two signals of one length: audio/metrics/pesq/pesq_program.h.
using PesqFunction =
    std::function<Score(std::span<const float> reference, std::span<const float> degraded, int sample_rate, bool wide)>;

struct ScoringOptions {
  Metric permutation_by = Metric::si_sdr;  // or sdr, sir
  bool zero_mean = false;                  // SI-SDR after the mean of both signals was taken away
  PesqFunction pesq{};                     // needed where a column is PESQ
};

struct ScoredItem {
  std::string name;
  std::vector<std::vector<Score>> scores;  // [source][column]
  std::vector<int64_t> outputs;            // which output was matched to each source
  std::string skipped;  // why the item takes no part: its references are silent; then it has no scores
  std::string failure;  // the first failure of the PESQ program; its scores are missing
};

struct ScoreTable {
  std::vector<ScoreColumn> columns;
  int64_t sources = 0;
  std::vector<ScoredItem> items;
};

struct ScoredSignals {
  Tensor references, estimates;  // (S, L), (K, L), K >= S
  Tensor mixture;                // (L), not defined without one
  int sample_rate = 0;           // Hz
};

// All signals real, on the CPU. One permutation serves all metrics: every source gets an output of its own so that the
// sum of permutation_by is largest, an undefined score counting as the worst. Throws Error for other shapes and for
// samples that are not finite; never for a score that does not exist, which says why instead.
ScoredItem score_item(const std::string& name, const ScoredSignals& signals, const std::vector<ScoreColumn>& columns,
                      const ScoringOptions& options);

}  // namespace sunder
