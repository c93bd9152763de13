// What a table of scores comes to.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "evaluate/scoring.h"

namespace sunder {

struct ScoreSummary {
  int64_t count = 0;                        // of scores that are defined, over items and sources
  std::optional<double> mean, median, std;  // std with count - 1; infinite scores make infinite means
  // The 95 % interval of the mean: percentiles of the means of 2,000 tables of as many items, drawn with replacement
  // (items, because the sources of one item are not independent), always the same draws. None for one item alone or
  // an infinite mean.
  std::optional<std::pair<double, double>> interval;
  std::map<std::string, int64_t> missing;  // why scores are undefined, and how many
};

// Items that take no part are in none of the counts.
ScoreSummary summarise(const ScoreTable& table, size_t column);

}  // namespace sunder
