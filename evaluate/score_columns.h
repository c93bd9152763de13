// The columns of a table of scores: a metric, and what it is measured on.
#pragma once

#include <string>
#include <vector>

#include "evaluate/metric_table.h"
#include "tensor/error.h"

namespace sunder {

// What is scored: the estimates, or what they are compared with.
enum class ScoredSystem {
  estimate,
  sums,     // the best way to add the outputs up to sources (MixIT's networks have more outputs than sources)
  irm,      // ideal ratio masks
  ibm,      // ideal binary masks
  psm,      // phase-sensitive masks
  auxiva,   // blind separation of all microphones, without training
  mixture,  // the mixture as the estimate of every source
};

// One number per item and source.
struct ScoreColumn {
  const Metric* metric;  // a row of metric_table
  bool improvement;      // over the mixture's score
  ScoredSystem system;
  std::string name;   // "si_snr", "irm_si_snri"
  std::string label;  // "SI-SNR", "SI-SNRi, ideal ratio masks"
  std::string unit;   // "dB", "MOS", or empty
};

// An improvement or an oracle was asked for, and there are no mixtures.
struct MixturesMissing : UsageError {
  using UsageError::UsageError;
};

// What is known of all items before they are scored.
struct ScoredForm {
  bool with_mixture = true;
  bool more_outputs = false;             // than sources
  int64_t sources = 0, microphones = 1;  // of the recordings that auxiva would separate
};

// The columns for metrics of metric_table and their improvements over the mixture (an i behind the name), in the order
// given, each followed by its oracles: the sums where there are more outputs than sources, then those of irm, ibm, psm,
// auxiva and mixture that are named, or none. Throws UsageError for an unknown name, for no name, for a name given
// twice and for auxiva with a single microphone or fewer than sources, and MixturesMissing for an improvement or an
// oracle without mixtures.
std::vector<ScoreColumn> score_columns(const std::vector<std::string>& metrics, const std::vector<std::string>& oracles,
                                       const ScoredForm& form);

}  // namespace sunder
