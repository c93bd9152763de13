#include "evaluate/blind.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "audio/metrics/si_snr.h"
#include "audio/sets/batch.h"
#include "audio/silence.h"
#include "evaluate/item_failures.h"
#include "nn/separation.h"
#include "objectives/mixcycle.h"
#include "tensor/error.h"

namespace sunder {
namespace {

// No functions of a reference and an estimate, so not in metric_table.
constexpr Metric blind_metric{"blind", "blind SI-SNRi", "dB", 2, PairMetric{}};
constexpr Metric weaker_metric{"weaker", "weakest output relative to the strongest", "dB", 2, PairMetric{}};

constexpr double ratio_floor = 1e-12;  // of an energy

ScoreColumn column_of(const Metric& metric) {
  return {&metric, /*improvement=*/false, ScoredSystem::estimate, metric.name, metric.label, metric.unit};
}

struct Separated {
  Tensor mixture;    // (L), the first channel
  Tensor estimates;  // (K, L)
  bool silent = false;
};

std::vector<double> samples_of(const Tensor& signal) { return signal.cast(DType::float64).to_vector<double>(); }

Separated separate(const Separator& network, const MixtureSet& set, int64_t index) {
  const Mixture item = set.load(index);
  const int64_t length = item.length();
  const Tensor mixtures = make_batch({{item, 0}}, length, /*with_references=*/false, DType::float32).mixtures;
  return {item.mixture.slice(0, 1).reshape({length}),
          separate_batch(network, mixtures).reshape({network.sources(), length}),
          is_silent(samples_of(item.mixture.slice(0, 1)))};
}

Score weaker_score(const Tensor& estimates) {
  if (is_silent(samples_of(estimates))) return {std::nullopt, "all estimates are silent"};
  return {weaker_to_stronger_db(estimates, estimates.size(0))};
}

Score blind_score(const SourceScore& score, const Tensor& target, const Tensor& other) {
  if (score.si_snri) return {score.si_snri};
  if (is_silent(samples_of(target))) return {std::nullopt, "the estimate is silent"};
  if (is_silent(samples_of(other))) return {std::nullopt, "the estimate that it is mixed with is silent"};
  return {std::nullopt, score.si_snr ? "the mixture of estimates has no finite score" : "nothing of it is recovered"};
}

using PairScores = std::array<std::array<Score, 2>, 2>;  // [item of the pair][output]

PairScores score_pair(const Separator& network, const Separated& first, const Separated& second) {
  const int64_t length = std::min(first.mixture.size(0), second.mixture.size(0));
  const Tensor estimates = Tensor::empty({2, 2, length}, first.estimates.dtype());
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t k = 0; k < 2; ++k)
      estimates.reshape({4, length})
          .slice(2 * b + k, 2 * b + k + 1)
          .copy_from(
              (b == 0 ? first : second).estimates.slice(k, k + 1).reshape({-1}).slice(0, length).reshape({1, length}));
  const Remixed again = remix_estimates(estimates, exchange_order(Tensor::zeros({2}, DType::int64)));
  const Tensor found = separate_batch(network, again.mixtures);
  PairScores scores;
  for (int64_t b = 0; b < 2; ++b) {
    const Tensor targets = again.targets.slice(b, b + 1).reshape({2, length});
    const auto own = score_separation(targets, found.slice(b, b + 1).reshape({2, length}),
                                      again.mixtures.slice(b, b + 1).reshape({length}));
    // The first target comes from the other item of the pair.
    scores[1 - b][0] = blind_score(own[0], targets.slice(0, 1), targets.slice(1, 2));
    scores[b][1] = blind_score(own[1], targets.slice(1, 2), targets.slice(0, 1));
  }
  return scores;
}

PairScores no_scores(const char* reason) {
  const std::array own = {Score{std::nullopt, reason}, Score{std::nullopt, reason}};
  return {own, own};
}

}  // namespace

double weaker_to_stronger_db(const Tensor& estimates, int64_t sources) {
  const int64_t length = estimates.size(1);
  const auto values = estimates.cast(DType::float64).to_vector<double>();
  std::vector<double> energies;
  for (int64_t k = 0; k < estimates.size(0); ++k) {
    double energy = 0;
    for (int64_t i = 0; i < length; ++i) energy += values[k * length + i] * values[k * length + i];
    if (!std::isfinite(energy)) return NAN;
    energies.push_back(energy);
  }
  std::sort(energies.rbegin(), energies.rend());
  return 10 * std::log10((energies[sources - 1] + ratio_floor) / (energies[0] + ratio_floor));
}

bool has_blind_score(const Separator& network) { return network.sources() == 2 && network.microphones() == 1; }

Evaluation evaluate_blind(const Separator& network, const MixtureSet& set, const EvaluationOptions& options) {
  const bool blind = has_blind_score(network);
  const int64_t outputs = network.sources(),
                count = options.max_items > 0 ? std::min(set.size(), options.max_items) : set.size();
  Evaluation evaluation;
  ScoreTable& table = evaluation.table;
  if (blind) table.columns.push_back(column_of(blind_metric));
  table.columns.push_back(column_of(weaker_metric));
  for (int64_t i = 0; i < count; ++i) table.items.push_back({.name = set.id(i), .sources = numbered_sources(outputs)});
  ItemFailures failures(table.items, options.failed);
  failures.announce();

  const auto separated = [&](int64_t index) {
    std::optional<Separated> signals;
    failures.attempt(index, [&] { signals = separate(network, set, index); });
    return signals;
  };
  // Of a pair; the first item's failure where the two cannot be separated again.
  const auto scores_of = [&](int64_t index, const std::optional<Separated>& first,
                             const std::optional<Separated>& second) {
    PairScores scores = no_scores("the mixture that it is paired with failed");
    if (!blind || !first || !second) return scores;
    if (first->silent || second->silent) return no_scores("the mixture that it is paired with is silent");
    failures.attempt(index, [&] { scores = score_pair(network, *first, *second); });
    return scores;
  };
  int64_t done = 0;
  // Fills an item's rows; `scores`: of its outputs, where there is a blind score.
  const auto add = [&](int64_t index, const std::optional<Separated>& signals, const std::array<Score, 2>& scores) {
    if (options.progress) options.progress(++done, count);
    ScoredItem& item = table.items[index];
    if (signals && signals->silent) item.skipped = "silent mixture";
    if (!item.has_scores()) return;
    for (int64_t k = 0; k < outputs; ++k) {
      std::vector<Score> row;
      if (blind) row.push_back(scores[k]);
      row.push_back(weaker_score(signals->estimates));
      item.scores.push_back(std::move(row));
      item.outputs.push_back(k);
    }
  };
  const int64_t half = count / 2;
  for (int64_t i = 0; i < half; ++i) {
    const auto first = separated(i), second = separated(i + half);
    const PairScores scores = scores_of(i, first, second);
    add(i, first, scores[0]);
    add(i + half, second, scores[1]);
  }
  if (count % 2 != 0) {
    const int64_t last = count - 1;
    const auto signals = separated(last);
    std::optional<Separated> first;  // an item's own failure was named before
    if (count > 1 && blind) ItemFailures::attempt_together([&] { first = separate(network, set, 0); });
    const PairScores scores = count == 1 ? no_scores("there is no second mixture to exchange estimates with")
                                         : scores_of(last, signals, first);
    add(last, signals, scores[0]);
  }
  failures.throw_if_all_failed();
  evaluation.load = [&network, &set](int64_t index) {
    const Separated signals = separate(network, set, index);
    return ScoredSignals{{}, signals.estimates, signals.mixture, set.sample_rate()};
  };
  return evaluation;
}

}  // namespace sunder
