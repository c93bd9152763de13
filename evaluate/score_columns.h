// Which scores a table has: metrics, and what each is measured on.
#pragma once

#include <string>
#include <vector>

#include "tensor/error.h"

namespace sunder {

// docs/metrics.md defines them.
enum class Metric { si_sdr, sdr, sir, sar, stoi, estoi, pesq_nb, pesq_wb };

// What is scored: the estimates, or what stands beside them.
enum class ScoredSystem {
  estimate,
  sums,     // the outputs added up in the best way (MixIT's networks have more outputs than sources)
  irm,      // ideal ratio masks
  ibm,      // ideal binary masks
  psm,      // phase-sensitive masks
  mixture,  // the mixture as the estimate of every source
};

// One number per item and source.
struct ScoreColumn {
  Metric metric;
  bool improvement;  // above the mixture's
  ScoredSystem system;
  std::string name;   // "si_snr", "irm_si_snri"
  std::string label;  // "SI-SNR", "SI-SNRi, ideal ratio masks"
  std::string unit;   // "dB", "MOS", or empty
};

// An improvement or an oracle was asked for, and there are no mixtures.
struct MixturesMissing : UsageError {
  using UsageError::UsageError;
};

// What the items that are scored have.
struct ScoredForm {
  bool with_mixture = true;
  bool more_outputs = false;  // than sources
};

// The columns for metrics out of si_sdr, si_snr (the same number), sdr, sir, sar, stoi, estoi, pesq_nb, pesq_wb, and
// each with an i for its improvement over the mixture; in their order, every one followed by its oracles: the sums
// where there are more outputs than sources, and those out of irm, ibm, psm and mixture, or none. Throws UsageError for
// another name, for no name, for the same twice, and for an improvement or an oracle without mixtures.
std::vector<ScoreColumn> score_columns(const std::vector<std::string>& metrics, const std::vector<std::string>& oracles,
                                       const ScoredForm& form);

}  // namespace sunder
