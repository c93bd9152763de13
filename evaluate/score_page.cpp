#include "evaluate/score_page.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cfloat>
#include <cmath>

namespace sunder {
namespace {

constexpr size_t items_per_rank = 3;

bool is_finite(const Score& score) { return score.value && std::isfinite(*score.value); }

std::vector<double> finite_values(const ScoreTable& table, size_t column) {
  std::vector<double> values;
  for (const ScoredItem& item : table.items)
    for (const auto& source : item.scores)
      if (is_finite(source[column])) values.push_back(*source[column].value);
  return values;
}

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return 0.5 * (values[(values.size() - 1) / 2] + values[values.size() / 2]);
}

PageMetric metric_of(const ScoreTable& table, size_t column, const ScoreSummary& summary) {
  const ScoreColumn& own = table.columns[column];
  PageMetric metric{.label = own.label, .unit = own.unit, .values = finite_values(table, column)};
  metric.decimals = own.metric->decimals;
  for (const auto& [reason, count] : summary.missing) metric.undefined += count;
  if (!metric.values.empty()) {
    double sum = 0;
    for (const double value : metric.values) sum += value;
    metric.mean = sum / static_cast<double>(metric.values.size());
    metric.median = median_of(metric.values);
    metric.interval = summary.interval;
  }
  for (size_t c = 0; c < table.columns.size(); ++c) {
    const ScoreColumn& other = table.columns[c];
    if (other.system == ScoredSystem::estimate || other.metric != own.metric || other.improvement != own.improvement)
      continue;
    metric.others.push_back({other.label.substr(other.label.find(", ") + 2), finite_values(table, c)});
  }
  return metric;
}

// For a column of the mixture's scores: what the estimates add to them.
std::optional<PageScatter> scatter_of(const ScoreTable& table, size_t mixture) {
  const ScoreColumn& before = table.columns[mixture];
  const auto found = std::find_if(table.columns.begin(), table.columns.end(), [&](const ScoreColumn& column) {
    return column.metric == before.metric && column.system == ScoredSystem::estimate;
  });
  if (before.system != ScoredSystem::mixture || found == table.columns.end()) return std::nullopt;
  const std::string name = before.label.substr(0, before.label.find(", ")),
                    unit = before.unit.empty() ? "" : fmt::format(" ({})", before.unit);
  PageScatter scatter{
      name + ": improvement against input level", name + " of the mixture" + unit, "improvement" + unit, {}};
  scatter.decimals = before.metric->decimals - 1;
  const auto column = static_cast<size_t>(found - table.columns.begin());
  for (const ScoredItem& item : table.items)
    for (size_t s = 0; s < item.scores.size(); ++s)
      if (is_finite(item.scores[s][column]) && is_finite(item.scores[s][mixture])) {
        const double input = *item.scores[s][mixture].value, score = *item.scores[s][column].value;
        scatter.points.push_back(
            {input, found->improvement ? score : score - input, fmt::format("{} {}", item.name, item.sources[s])});
      }
  return scatter;
}

// The mean of its channels. signals: (N, L) or (N, M, L).
std::vector<float> samples_of(const Tensor& signals, int64_t index) {
  const int64_t length = signals.size(-1), channels = signals.numel() / signals.size(0) / length;
  const auto all = signals.slice(index, index + 1).cast(DType::float64).reshape({channels, length}).to_vector<double>();
  std::vector<float> mean(length);
  for (int64_t t = 0; t < length; ++t) {
    double sum = 0;
    for (int64_t c = 0; c < channels; ++c) sum += all[c * length + t];
    mean[t] = static_cast<float>(std::clamp<double>(sum / static_cast<double>(channels), -FLT_MAX, FLT_MAX));
  }
  return mean;
}

// Most metrics ignore the level, and some programs' estimates have an arbitrary one: for listening, an estimate gets
// its reference's energy.
std::vector<float> at_level_of(const std::vector<float>& reference, std::vector<float> estimate) {
  const auto energy = [](const std::vector<float>& signal) {
    double sum = 0;
    for (const float x : signal) sum += static_cast<double>(x) * x;
    return sum;
  };
  const double own = energy(estimate), wanted = energy(reference);
  for (float& x : estimate) x = own > 0 ? static_cast<float>(x * std::sqrt(wanted / own)) : x;
  return estimate;
}

PageItem item_of(const Evaluation& evaluation, int64_t index) {
  const ScoreTable& table = evaluation.table;
  const ScoredItem& scored = table.items[index];
  const ScoredSignals signals = evaluation.load(index);
  PageItem item{scored.name, "", signals.sample_rate, {}};
  std::vector<std::string> values;
  for (const auto& source : scored.scores)
    values.push_back(source[0].value ? fmt::format("{:.{}f}", *source[0].value, table.columns[0].metric->decimals)
                                     : "none");
  item.caption = fmt::format("{} {} {}", table.columns[0].label, fmt::join(values, ", "), table.columns[0].unit);
  if (const Tensor& mixture = signals.mixture; mixture.defined()) {
    const Tensor alone =
        mixture.dim() == 1 ? mixture.reshape({1, -1}) : mixture.reshape({1, mixture.size(0), mixture.size(1)});
    item.tracks.push_back({"mixture", samples_of(alone, 0), 0});
  }
  for (size_t s = 0; s < scored.sources.size(); ++s) {
    const int colour = static_cast<int>(s) + 1;
    const std::string& name = scored.sources[s];
    const std::string output = signals.matched ? "" : fmt::format(" (output {})", scored.outputs[s] + 1);
    if (!signals.references.defined()) {
      item.tracks.push_back(
          {"output " + std::to_string(s + 1), samples_of(signals.estimates, static_cast<int64_t>(s)), colour});
      continue;
    }
    const std::vector<float> reference = samples_of(signals.references, static_cast<int64_t>(s));
    item.tracks.push_back({fmt::format("reference {}", name), reference, colour});
    item.tracks.push_back({fmt::format("estimate {}{}, at its level", name, output),
                           at_level_of(reference, samples_of(signals.estimates, scored.outputs[s])), colour});
  }
  return item;
}

// Items with a score by the first metric, the best first.
std::vector<int64_t> ranked_items(const ScoreTable& table) {
  std::vector<std::pair<double, int64_t>> order;  // negative mean, item: equal items keep their order
  for (size_t i = 0; i < table.items.size(); ++i) {
    double sum = 0;
    int64_t count = 0;
    for (const auto& source : table.items[i].scores)
      if (source[0].value) {
        sum += *source[0].value;
        ++count;
      }
    if (count > 0 && !std::isnan(sum)) order.emplace_back(-sum / static_cast<double>(count), static_cast<int64_t>(i));
  }
  std::sort(order.begin(), order.end());
  std::vector<int64_t> items;
  for (const auto& [score, item] : order) items.push_back(item);
  return items;
}

// No item appears twice; of few items the best are shown first, then the worst.
std::vector<PageRank> ranks_of(const Evaluation& evaluation) {
  const std::vector<int64_t> order = ranked_items(evaluation.table);
  const size_t count = order.size(), best = std::min(items_per_rank, count),
               worst = std::min(items_per_rank, count - best), middle = std::min(items_per_rank, count - best - worst);
  const auto rank = [&](const std::string& title, size_t first, size_t number) {
    PageRank result{title, {}};
    for (size_t i = first; i < first + number; ++i) result.items.push_back(item_of(evaluation, order[i]));
    return result;
  };
  std::vector<PageRank> ranks;
  if (best > 0) ranks.push_back(rank("Best", 0, best));
  if (middle > 0) ranks.push_back(rank("Median", best + (count - best - worst - middle) / 2, middle));
  if (worst > 0) ranks.push_back(rank("Worst", count - worst, worst));
  return ranks;
}

}  // namespace

ReportPage score_page(const Evaluation& evaluation, const std::string& title, const std::vector<std::string>& notes) {
  const ScoreTable& table = evaluation.table;
  ReportPage page;
  page.title = title;
  page.heading = evaluation.heading;
  page.table = summary_cells(table);
  page.notes = notes;
  for (size_t c = 0; c < table.columns.size(); ++c) {
    const ScoreColumn& column = table.columns[c];
    if (column.system == ScoredSystem::estimate) {
      const ScoreSummary summary = summarise(table, c);
      page.metrics.push_back(metric_of(table, c, summary));
      const int64_t infinite = summary.count - static_cast<int64_t>(page.metrics.back().values.size());
      if (infinite > 0)
        page.notes.push_back(fmt::format("{} of {} {} infinite: in the table's means, in no picture", column.label,
                                         infinite, infinite == 1 ? "estimate is" : "estimates is"));
    }
    if (auto scatter = scatter_of(table, c)) page.scatters.push_back(std::move(*scatter));
  }
  page.ranks = ranks_of(evaluation);
  return page;
}

}  // namespace sunder
