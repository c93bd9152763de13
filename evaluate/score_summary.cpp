#include "evaluate/score_summary.h"

#include <algorithm>
#include <cmath>

#include "report/quantile.h"
#include "tensor/parallel.h"
#include "tensor/random.h"

namespace sunder {
namespace {

constexpr int64_t resamples = 2000;
constexpr uint64_t resampling_seed = 0;

struct ItemSum {
  double sum = 0;
  int64_t count = 0;
};

std::pair<double, double> bootstrap_interval(const std::vector<ItemSum>& items) {
  std::vector<double> means(resamples);
  parallel_for(resamples, 64, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      Random random(resampling_seed, RandomUse::bootstrap, 0, static_cast<uint64_t>(r));
      ItemSum all;
      for (size_t i = 0; i < items.size(); ++i) {
        const ItemSum& item = items[random.below(items.size())];
        all.sum += item.sum;
        all.count += item.count;
      }
      means[r] = all.sum / static_cast<double>(all.count);
    }
  });
  std::sort(means.begin(), means.end());
  return {quantile(means, 0.025), quantile(means, 0.975)};
}

}  // namespace

ScoreSummary summarise(const ScoreTable& table, size_t column) {
  ScoreSummary summary;
  std::vector<double> values;
  std::vector<ItemSum> items;  // those with a score
  for (const ScoredItem& item : table.items) {
    ItemSum own;
    for (const auto& source : item.scores) {
      if (!source[column].value) {
        ++summary.missing[source[column].missing];
        continue;
      }
      values.push_back(*source[column].value);
      own.sum += values.back();
      ++own.count;
    }
    if (own.count > 0) items.push_back(own);
  }
  summary.count = static_cast<int64_t>(values.size());
  if (values.empty()) return summary;
  std::sort(values.begin(), values.end());
  const size_t count = values.size();
  const auto known = [](double value) { return std::isnan(value) ? std::nullopt : std::optional(value); };
  double sum = 0, squares = 0;
  for (const double value : values) sum += value;
  const double mean = sum / static_cast<double>(count);
  for (const double value : values) squares += (value - mean) * (value - mean);
  summary.mean = known(mean);
  summary.median = known(0.5 * (values[(count - 1) / 2] + values[count / 2]));
  if (count > 1) summary.std = known(std::sqrt(squares / static_cast<double>(count - 1)));
  if (items.size() > 1 && std::isfinite(mean)) summary.interval = bootstrap_interval(items);
  return summary;
}

}  // namespace sunder
