#include "evaluate/score_report.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "files/csv.h"

namespace sunder {
namespace {

using nlohmann::ordered_json;

// The shortest text that reads back as the same number.
std::string cell(const Score& score) { return score.value ? fmt::format("{}", *score.value) : ""; }

ordered_json json_number(const std::optional<double>& score) {
  if (!score) return nullptr;
  if (!std::isfinite(*score)) return fmt::format("{}", *score);
  return *score;
}

std::string rounded(const std::optional<double>& score, const ScoreColumn& column) {
  if (!score) return "";
  const int digits = column.metric->decimals;
  const bool is_zero = std::abs(*score) < 0.5 * std::pow(10, -digits);  // never "-0.00"
  return fmt::format("{:.{}f}", is_zero ? 0 : *score, digits);
}

ordered_json summary_json(const ScoreSummary& summary) {
  ordered_json result = {{"count", summary.count},
                         {"mean", json_number(summary.mean)},
                         {"median", json_number(summary.median)},
                         {"std", json_number(summary.std)},
                         {"interval", nullptr}};
  if (summary.interval) result["interval"] = {summary.interval->first, summary.interval->second};
  if (!summary.missing.empty()) result["missing"] = summary.missing;
  return result;
}

ordered_json item_json(const ScoredItem& item, const ScoreTable& table) {
  ordered_json sources = ordered_json::array();
  for (size_t s = 0; s < item.scores.size(); ++s) {
    ordered_json row = {{"source", item.sources[s]}, {"output", item.outputs[s] + 1}};
    for (size_t c = 0; c < table.columns.size(); ++c) {
      const Score& score = item.scores[s][c];
      row[table.columns[c].name] = json_number(score.value);
      if (!score.value) row["missing"][table.columns[c].name] = score.missing;
    }
    sources.push_back(row);
  }
  return {{"item", item.name}, {"sources", sources}};
}

}  // namespace

std::string scores_csv(const ScoreTable& table) {
  std::vector<std::string> fields = {"item", "source"};
  for (const ScoreColumn& column : table.columns) fields.push_back(column.name);
  std::string text = csv_line(fields);
  for (const ScoredItem& item : table.items) {
    for (size_t s = 0; s < item.sources.size(); ++s) {
      fields = {item.name, item.sources[s]};
      for (size_t c = 0; c < table.columns.size(); ++c)
        fields.push_back(item.has_scores() ? cell(item.scores[s][c]) : "");
      text += csv_line(fields);
    }
  }
  return text;
}

std::string scores_json(const ScoreTable& table, const ScoreHeading& heading) {
  ordered_json root;
  for (const auto& [key, value] : heading) root[key] = value;
  root["metrics"] = ordered_json::array();
  root["summary"] = ordered_json::object();
  for (size_t c = 0; c < table.columns.size(); ++c) {
    root["metrics"].push_back(table.columns[c].name);
    root["summary"][table.columns[c].name] = summary_json(summarise(table, c));
  }
  for (const char* list : {"items", "skipped", "failed"}) root[list] = ordered_json::array();
  for (const ScoredItem& item : table.items) {
    if (item.has_scores()) root["items"].push_back(item_json(item, table));
    else if (!item.skipped.empty()) root["skipped"].push_back({{"item", item.name}, {"reason", item.skipped}});
    else root["failed"].push_back({{"item", item.name}, {"reason", item.failed}});
  }
  return root.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

std::vector<std::vector<std::string>> summary_cells(const ScoreTable& table) {
  std::vector<std::vector<std::string>> rows = {{"score", "mean", "95 % interval", "median", "std", "values"}};
  for (size_t c = 0; c < table.columns.size(); ++c) {
    const ScoreColumn& column = table.columns[c];
    const ScoreSummary summary = summarise(table, c);
    const auto number = [&](const std::optional<double>& value) { return rounded(value, column); };
    rows.push_back(
        {column.unit.empty() ? column.label : fmt::format("{} ({})", column.label, column.unit), number(summary.mean),
         summary.interval ? fmt::format("{} .. {}", number(summary.interval->first), number(summary.interval->second))
                          : "",
         number(summary.median), number(summary.std), fmt::format("{}", summary.count)});
  }
  return rows;
}

std::string scores_markdown(const ScoreTable& table, const std::string& title) {
  const auto rows = summary_cells(table);
  std::vector<size_t> widths(rows[0].size(), 8);
  for (const auto& row : rows)
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string text = title + "\n\n";
  for (size_t r = 0; r < rows.size(); ++r) {
    text += fmt::format("| {:<{}} |", rows[r][0], widths[0]);
    for (size_t i = 1; i < rows[r].size(); ++i) text += fmt::format(" {:>{}} |", rows[r][i], widths[i]);
    text += "\n";
    if (r > 0) continue;
    text += fmt::format("| :{:-<{}} |", "", widths[0] - 1);
    for (size_t i = 1; i < rows[r].size(); ++i) text += fmt::format(" {:->{}}: |", "", widths[i] - 1);
    text += "\n";
  }
  return text;
}

std::vector<std::string> failed_items(const ScoreTable& table) {
  std::vector<std::string> sentences;
  for (const ScoredItem& item : table.items)
    if (!item.failed.empty()) sentences.push_back(fmt::format("failed: {}: {}", item.name, item.failed));
  return sentences;
}

std::vector<std::string> left_out(const ScoreTable& table) {
  std::vector<std::string> sentences;
  for (const ScoredItem& item : table.items)
    if (!item.skipped.empty()) sentences.push_back(fmt::format("left out: {}: {}", item.name, item.skipped));
  for (size_t c = 0; c < table.columns.size(); ++c) {
    std::map<std::string, std::vector<std::string>> names;  // by reason
    for (const ScoredItem& item : table.items)
      for (size_t s = 0; s < item.scores.size(); ++s)
        if (!item.scores[s][c].value)
          names[item.scores[s][c].missing].push_back(fmt::format("{} {}", item.name, item.sources[s]));
    for (const auto& [reason, values] : names)
      sentences.push_back(fmt::format("no {} for {} {}, which its mean leaves out: {}: {}", table.columns[c].label,
                                      values.size(), values.size() == 1 ? "source" : "sources", reason,
                                      some_of(values)));
  }
  return sentences;
}

std::string some_of(const std::vector<std::string>& names) {
  constexpr size_t shown = 5;
  const std::vector<std::string> first(names.begin(), names.begin() + std::min(names.size(), shown));
  return fmt::format("{}{}", fmt::join(first, ", "),
                     names.size() > shown ? fmt::format(" and {} more", names.size() - shown) : "");
}

}  // namespace sunder
