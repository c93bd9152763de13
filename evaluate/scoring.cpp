#include "evaluate/scoring.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "audio/metrics/assignment.h"
#include "audio/metrics/bss_eval.h"
#include "audio/metrics/oracle_masks.h"
#include "audio/metrics/si_snr.h"
#include "audio/metrics/stoi.h"
#include "audio/silence.h"
#include "tensor/error.h"
#include "tensor/ops/concat.h"

namespace sunder {
namespace {

using System = ScoredSystem;

constexpr int64_t masks_shortest = 257;  // samples: half a frame of the masks' STFT, and one

std::span<const double> row(const Tensor& signals, int64_t index) {
  const int64_t length = signals.size(1);
  return {signals.data<double>() + index * length, static_cast<size_t>(length)};
}

// Names the references that hold only zeros; empty if none does.
std::string silent_references(const Tensor& references) {
  std::vector<std::string> names;
  for (int64_t s = 0; s < references.size(0); ++s)
    if (is_silent(row(references, s))) names.push_back(fmt::format("s{}", s + 1));
  if (names.empty()) return "";
  return fmt::format("silent {} {}", names.size() == 1 ? "reference" : "references", fmt::join(names, ", "));
}

// The same signals in float64, which all metrics read.
ScoredSignals checked(const ScoredSignals& signals) {
  check_dim("score_item", "references", signals.references, 2);
  const int64_t length = signals.references.size(1);
  check_shape("score_item", "estimates", signals.estimates, {-1, length});
  if (signals.mixture.defined()) check_shape("score_item", "mixture", signals.mixture, {length});
  if (signals.estimates.size(0) < signals.references.size(0) || signals.references.size(0) < 1 || length < 1)
    throw_error("[score_item] expected samples of at least one source and an output for each, got {} and {}",
                describe(signals.references), describe(signals.estimates));
  ScoredSignals wide = signals;
  for (Tensor* tensor : {&wide.references, &wide.estimates, &wide.mixture}) {
    if (!tensor->defined()) continue;
    *tensor = tensor->cast(DType::float64);
    for (const double sample : std::span(tensor->data<double>(), static_cast<size_t>(tensor->numel())))
      if (!std::isfinite(sample)) throw_error("[score_item] expected finite samples, got {}", sample);
  }
  return wide;
}

const Metric& permutation_metric(const std::string& name) {
  std::vector<const char*> known;
  for (const Metric& metric : metric_table()) {
    if (!metric.matches_outputs) continue;
    if (name == metric.name) return metric;
    known.push_back(metric.name);
  }
  throw_error<UsageError>("permutation by: expected one of {}, got '{}'", fmt::join(known, ", "), name);
}

// [source][output]; an undefined score is the worst.
std::vector<double> permutation_scores(const ScoredSignals& signals, const ScoringOptions& options) {
  std::vector<Score> scores;
  const Metric& metric = permutation_metric(options.permutation_by);
  if (const auto* score = std::get_if<PairMetric>(&metric.score)) {
    for (int64_t s = 0; s < signals.references.size(0); ++s)
      for (int64_t k = 0; k < signals.estimates.size(0); ++k)
        scores.push_back(
            (*score)({row(signals.references, s), row(signals.estimates, k), signals.sample_rate}, options));
  } else {
    // One reference has no interference: then SDR decides.
    const BssPart part = signals.references.size(0) == 1 ? &BssScores::sdr : std::get<BssPart>(metric.score);
    const bool sdr = part == &BssScores::sdr;
    for (const BssScores& pair : bss_eval(signals.references, signals.estimates, {.sdr = sdr, .interference = !sdr}))
      scores.push_back(pair.*part);
  }
  std::vector<double> sortable;
  for (const Score& score : scores) sortable.push_back(score.value.value_or(-std::numeric_limits<double>::infinity()));
  return sortable;
}

Tensor chosen_rows(const Tensor& signals, const std::vector<int64_t>& rows) {
  const Tensor result = Tensor::empty({static_cast<int64_t>(rows.size()), signals.size(1)}, signals.dtype());
  for (size_t i = 0; i < rows.size(); ++i)
    result.slice(static_cast<int64_t>(i), static_cast<int64_t>(i) + 1).copy_from(signals.slice(rows[i], rows[i] + 1));
  return result;
}

// What is scored beside the network, float64: (S, L), or (1, L) for all sources. Undefined, with a reason, where it
// cannot be made.
Tensor oracle_estimates(System system, const ScoredSignals& signals, const char*& missing) {
  const int64_t length = signals.references.size(1);
  if (system == System::mixture) return signals.mixture.reshape({1, length});
  if (system == System::sums) {
    if (signals.estimates.size(0) <= best_sums_max_outputs) return best_sums(signals.references, signals.estimates);
    missing = "too many outputs to try all their sums";
    return {};
  }
  if (length < masks_shortest) {
    missing = "shorter than the frames of the ideal masks";
    return {};
  }
  if (system == System::irm) return ideal_ratio_mask(signals.references, signals.mixture);
  if (system == System::ibm) return ideal_binary_mask(signals.references, signals.mixture);
  return phase_sensitive_mask(signals.references, signals.mixture);
}

using Metrics = std::set<const Metric*>;

// A system and its scores by metric and source.
struct Scored {
  Metrics metrics;                // to be computed
  Tensor estimates;               // (S, L) float64 in the order of the sources, or (1, L) for all of them
  const char* missing = nullptr;  // why there are no estimates
  std::map<const Metric*, std::vector<Score>> scores;

  int64_t row_of(int64_t source) const { return estimates.size(0) == 1 ? 0 : source; }
  // Adds the wanted ones of scores that were computed together.
  template <class Scores>
  void add_parts(const Scores& together) {
    for (const Metric* metric : metrics)
      if (const auto* part = std::get_if<Score Scores::*>(&metric->score)) scores[metric].push_back(together.**part);
  }
};
using Systems = std::map<System, Scored>;

// All systems in one call: most of the work is in the references' filters.
void add_bss(const Tensor& references, Systems& systems) {
  BssParts parts{false, false};
  std::vector<Tensor> stacked;
  int64_t rows = 0;
  for (const auto& [name, system] : systems) {
    for (const Metric* metric : system.metrics)
      if (const auto* part = std::get_if<BssPart>(&metric->score))
        (*part == &BssScores::sdr ? parts.sdr : parts.interference) = true;
    if (!system.estimates.defined()) continue;
    stacked.push_back(system.estimates);
    rows += system.estimates.size(0);
  }
  if (!parts.sdr && !parts.interference) return;
  const std::vector<BssScores> pairs = bss_eval(references, concat(stacked, 0), parts);
  int64_t first = 0;
  for (auto& [name, system] : systems) {
    if (!system.estimates.defined()) continue;
    for (int64_t s = 0; s < references.size(0); ++s) system.add_parts(pairs[s * rows + first + system.row_of(s)]);
    first += system.estimates.size(0);
  }
}

Score pesq_score(const SignalPair& pair, PesqBand band, const PesqFunction& pesq, std::string& failure) {
  const std::vector<float> reference(pair.reference.begin(), pair.reference.end()),
      degraded(pair.estimate.begin(), pair.estimate.end());
  try {
    return pesq(reference, degraded, pair.sample_rate, band);
  } catch (const Error& error) {  // a failing program must not cost the other scores
    if (failure.empty()) failure = error.what();
    return {std::nullopt, "the PESQ program failed"};
  }
}

// All but BSS-eval, of one estimate.
void add_pair(const SignalPair& pair, const ScoringOptions& options, Scored& system, std::string& failure) {
  bool classic = false, extended = false;
  for (const Metric* metric : system.metrics) {
    if (const auto* score = std::get_if<PairMetric>(&metric->score))
      system.scores[metric].push_back((*score)(pair, options));
    if (const auto* band = std::get_if<PesqBand>(&metric->score))
      system.scores[metric].push_back(pesq_score(pair, *band, options.pesq, failure));
    if (const auto* part = std::get_if<StoiPart>(&metric->score))
      (*part == &StoiScores::classic ? classic : extended) = true;
  }
  if (classic || extended)
    system.add_parts(stoi_scores(pair.reference, pair.estimate, pair.sample_rate, classic, extended));
}

Score improvement(const Score& score, const Score& mixture) {
  if (!score.value) return score;
  if (!mixture.value) return {std::nullopt, "the mixture has no score"};
  if (!std::isfinite(*mixture.value)) return {std::nullopt, "the mixture's own score is infinite"};
  return {*score.value - *mixture.value};
}

}  // namespace

ScoredItem score_item(const std::string& name, const ScoredSignals& given, const std::vector<ScoreColumn>& columns,
                      const ScoringOptions& options) {
  const ScoredSignals signals = checked(given);
  const int64_t sources = signals.references.size(0);
  ScoredItem item{name, {}, {}, silent_references(signals.references), ""};
  if (!item.skipped.empty()) return item;
  item.outputs = best_assignment(permutation_scores(signals, options), sources, signals.estimates.size(0));

  Systems systems;
  for (const ScoreColumn& column : columns) {
    systems[column.system].metrics.insert(column.metric);
    if (column.improvement) systems[System::mixture].metrics.insert(column.metric);
  }
  for (auto& [what, system] : systems) {
    system.estimates = what == System::estimate ? chosen_rows(signals.estimates, item.outputs)
                                                : oracle_estimates(what, signals, system.missing);
    for (int64_t s = 0; s < sources && system.estimates.defined(); ++s) {
      std::string failure;
      add_pair({row(signals.references, s), row(system.estimates, system.row_of(s)), signals.sample_rate}, options,
               system, failure);
      if (item.failure.empty() && !failure.empty()) item.failure = fmt::format("{} s{}: {}", item.name, s + 1, failure);
    }
  }
  add_bss(signals.references, systems);

  const auto score_of = [&](System system, const Metric* metric, int64_t source) {
    const Scored& scored = systems.at(system);
    return scored.missing ? Score{std::nullopt, scored.missing} : scored.scores.at(metric)[source];
  };
  item.scores.resize(sources);
  for (int64_t s = 0; s < sources; ++s) {
    for (const ScoreColumn& column : columns) {
      Score score = score_of(column.system, column.metric, s);
      if (column.improvement) score = improvement(score, score_of(System::mixture, column.metric, s));
      item.scores[s].push_back(score);
    }
  }
  return item;
}

}  // namespace sunder
