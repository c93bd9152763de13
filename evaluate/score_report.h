// A table of scores as CSV, JSON and markdown.
#pragma once

#include <string>
#include <utility>

#include "evaluate/score_summary.h"

namespace sunder {

// What was scored, as keys and values: "model", "data", "split", ...
using ScoreHeading = std::vector<std::pair<std::string, std::string>>;

// One row per item and source: item,source,<column>,... An undefined score is an empty cell, and so are all of an item
// that was left out or failed; an infinite one is inf or -inf.
std::string scores_csv(const ScoreTable& table);

// {<heading>..., "metrics": [...], "summary": {column: {count, mean, median, std, interval: [low, high], missing:
// {reason: count}}}, "items": [{item, sources: [{source, output, <column>..., missing: {column: reason}}]}], "skipped":
// [{item, reason}], "failed": [{item, reason}]}; an undefined score is null, an infinite one the text "inf".
std::string scores_json(const ScoreTable& table, const ScoreHeading& heading);

// The summary: one row per column.
std::string scores_markdown(const ScoreTable& table, const std::string& title);

// Its cells, header first: score, mean, 95 % interval, median, std, values.
std::vector<std::vector<std::string>> summary_cells(const ScoreTable& table);

// The items that failed, one sentence each.
std::vector<std::string> failed_items(const ScoreTable& table);

// What else the means leave out and why, one sentence each: skipped items, then undefined scores by column and reason.
std::vector<std::string> left_out(const ScoreTable& table);

// The first five names and how many more there are: "a, b, c, d, e and 7 more".
std::string some_of(const std::vector<std::string>& names);

}  // namespace sunder
