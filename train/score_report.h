// A table of scores as CSV, JSON and markdown.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "train/scoring.h"

namespace sunder {

// One row per item and source: item,source,<metric>,...; source is s1, s2, ...; an undefined score is an empty cell, an
// infinite one (an exact copy) inf or -inf.
std::string scores_csv(const ScoreTable& table);

// {<heading>..., "metrics": [...], "summary": {metric: {count, mean, median, std}}, "items": [{item, sources: [{source,
// output, <metric>...}]}], "skipped": [{item, reason}]}; an undefined score is null, an infinite one the text "inf".
std::string scores_json(const ScoreTable& table, const std::vector<std::pair<std::string, std::string>>& heading);

// The summary: one row per metric.
std::string scores_markdown(const ScoreTable& table, const std::string& title);

}  // namespace sunder
