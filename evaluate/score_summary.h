// Means, medians and intervals of a table of scores.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "evaluate/scoring.h"

namespace sunder {

struct ScoreSummary {
  int64_t count = 0;                        // defined scores, over items and sources
  std::optional<double> mean, median, std;  // std divides by count - 1; an infinite score makes the mean infinite
  // The 95 % bootstrap interval of the mean, from 2,000 resamples with a fixed seed. Items are drawn, not scores: the
  // sources of one item are not independent. None for a single item or an infinite mean.
  std::optional<std::pair<double, double>> interval;
  std::map<std::string, int64_t> missing;  // how many scores are undefined, by reason
};

// Skipped items are not counted.
ScoreSummary summarise(const ScoreTable& table, size_t column);

}  // namespace sunder
