// Scores of a whole set of items: a model on a mixture set, or files that any program wrote.
#pragma once

#include "audio/sets/mixture_set.h"
#include "evaluate/score_report.h"
#include "evaluate/scored_files.h"
#include "nn/separator.h"

namespace sunder {

// PESQ was asked for, and ScoringOptions::pesq is empty.
struct PesqMissing : UsageError {
  using UsageError::UsageError;
};

struct EvaluationOptions {
  // Of score_columns, or "blind" alone (evaluate/blind.h); empty: si_snr, and si_snri where there are mixtures; blind
  // for a model on mixtures without clean sources.
  std::vector<std::string> metrics{};
  // Empty: irm and mixture where there are mixtures and clean sources. auxiva separates all channels of the mixtures
  // that the set loads.
  std::vector<std::string> oracles{};
  ScoringOptions scoring{};
  int64_t max_items = 0;  // score only the first ones; 0: all
  Progress progress{};    // counts items
  // Told of every item that failed, as soon as the work on it ends (of several items; see evaluate_model).
  std::function<void(const ScoredItem& item, const Error& error)> failed{};
  int64_t memory_bytes = 0;  // what the signals of one item may take; 0: what the machine has
};

struct Evaluation {
  ScoreTable table;
  ScoreHeading heading;
  std::function<ScoredSignals(int64_t item)> load;  // separates or reads an item again
};

// In both, an item that cannot be read, separated or scored, be it for its memory, is named in the table (`failed`) and
// has no scores; the others are scored. Only where all fail, the first one's exception is thrown, and whatever is no
// item's fault always is: usage, a lost device.

// `batch` items of one length go through the network together, each whole; where that fails, one by one. The network
// must have an output for each source and hears the first channels of the mixtures, of which the set must load at least
// as many as it has microphones; it and the set must outlive the result. Throws as score_columns,
// MixtureSet::load and score_item do, and PesqMissing; UsageError for metrics that the set or the network does not
// have. Mixtures without clean sources are scored by evaluate_blind, pair by pair.
Evaluation evaluate_model(const Separator& network, const MixtureSet& set, int64_t batch,
                          const EvaluationOptions& options);

// AuxIVA in place of a network (audio/auxiva_separation.h), on all channels of the mixtures. The set must have clean
// sources and outlive the result. Throws as evaluate_model.
Evaluation evaluate_auxiva(const MixtureSet& set, int64_t batch, const EvaluationOptions& options);

// Throws as score_columns, read_scored_files and score_item do, and PesqMissing.
Evaluation evaluate_files(const std::vector<ScoredFiles>& files, Align align, const EvaluationOptions& options);

}  // namespace sunder
