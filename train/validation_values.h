// What a validation measures of each item, kept apart by batch, so that ranks share the items and every rank gets the
// means that one process alone would.
#pragma once

#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "distributed/communicator.h"

namespace sunder {

// Finite values, each of so many items.
struct Values {
  std::vector<double> values, items;
  void add(double value, int64_t count = 1) {
    if (!std::isfinite(value)) return;
    values.push_back(value);
    items.push_back(static_cast<double>(count));
  }
  void append(const Values& others);
  // Weighted mean; NaN or none without values.
  double mean() const;
  std::optional<double> mean_if_any() const { return values.empty() ? std::nullopt : std::optional(mean()); }
};

using Reasons = std::map<std::string, int64_t>;  // how many items have no score, by reason

struct ValidationValues {
  Values si_snri, oracle, ratio, sources_ratio, like_mixture, in_order, by_bin, blind, loss;
  Reasons without_score, without_blind;
};

// The values of all batches over all ranks, batch by batch in the order of the ranks; none where a rank was stopped
// (`complete` false) before it had all of its own. mine: of each batch this rank's part.
std::optional<ValidationValues> gather_values(Communicator& ranks, const std::vector<ValidationValues>& mine,
                                              bool complete);

}  // namespace sunder
