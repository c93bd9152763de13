#include "train/score_report.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "audio/csv.h"

namespace sunder {
namespace {

using nlohmann::ordered_json;

// The shortest text that reads back to the same number.
std::string cell(const std::optional<double>& score) { return score ? fmt::format("{}", *score) : ""; }

ordered_json json_number(const std::optional<double>& score) {
  if (!score) return nullptr;
  if (!std::isfinite(*score)) return fmt::format("{}", *score);
  return *score;
}

std::string two_digits(const std::optional<double>& score) {
  if (!score) return "";
  return fmt::format("{:.2f}", std::abs(*score) < 0.005 ? 0 : *score);  // never "-0.00"
}

bool listed(const ScoreColumn& column) { return column.kind != ScoreColumn::Kind::mixture; }

}  // namespace

std::string scores_csv(const ScoreTable& table) {
  std::vector<std::string> fields = {"item", "source"};
  for (const ScoreColumn& column : table.columns)
    if (listed(column)) fields.push_back(column.name);
  std::string text = csv_line(fields);
  for (const ScoredItem& item : table.items) {
    for (size_t s = 0; s < item.scores.size(); ++s) {
      fields = {item.name, fmt::format("s{}", s + 1)};
      for (size_t c = 0; c < table.columns.size(); ++c)
        if (listed(table.columns[c])) fields.push_back(cell(item.scores[s][c]));
      text += csv_line(fields);
    }
  }
  return text;
}

std::string scores_json(const ScoreTable& table, const std::vector<std::pair<std::string, std::string>>& heading) {
  ordered_json root;
  for (const auto& [key, value] : heading) root[key] = value;
  root["metrics"] = ordered_json::array();
  root["summary"] = ordered_json::object();
  for (size_t c = 0; c < table.columns.size(); ++c) {
    const ScoreSummary summary = summarise(table, c);
    root["metrics"].push_back(table.columns[c].name);
    root["summary"][table.columns[c].name] = {{"count", summary.count},
                                              {"mean", json_number(summary.mean)},
                                              {"median", json_number(summary.median)},
                                              {"std", json_number(summary.std)}};
  }
  root["items"] = ordered_json::array();
  root["skipped"] = ordered_json::array();
  for (const ScoredItem& item : table.items) {
    if (!item.skipped.empty()) {
      root["skipped"].push_back({{"item", item.name}, {"reason", item.skipped}});
      continue;
    }
    ordered_json sources = ordered_json::array();
    for (size_t s = 0; s < item.scores.size(); ++s) {
      ordered_json row = {{"source", fmt::format("s{}", s + 1)}, {"output", item.outputs[s] + 1}};
      for (size_t c = 0; c < table.columns.size(); ++c) row[table.columns[c].name] = json_number(item.scores[s][c]);
      sources.push_back(row);
    }
    root["items"].push_back({{"item", item.name}, {"sources", sources}});
  }
  return root.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

std::string scores_markdown(const ScoreTable& table, const std::string& title) {
  size_t width = 0;
  for (const ScoreColumn& column : table.columns) width = std::max(width, column.label.size() + 5);
  std::string text = fmt::format("{}\n\n| {:<{}} | {:>8} | {:>8} | {:>8} | {:>8} |\n", title, "score", width, "mean",
                                 "median", "std", "values");
  text += fmt::format("| :{:-<{}} | {:->7}: | {:->7}: | {:->7}: | {:->7}: |\n", "", width - 1, "", "", "", "");
  for (size_t c = 0; c < table.columns.size(); ++c) {
    const ScoreSummary summary = summarise(table, c);
    text += fmt::format("| {:<{}} | {:>8} | {:>8} | {:>8} | {:>8} |\n", table.columns[c].label + " (dB)", width,
                        two_digits(summary.mean), two_digits(summary.median), two_digits(summary.std), summary.count);
  }
  return text;
}

}  // namespace sunder
