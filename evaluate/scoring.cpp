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
#include "tensor/error.h"
#include "tensor/ops/concat.h"

namespace sunder {
namespace {

using System = ScoredSystem;
using Metrics = std::set<Metric>;

constexpr int64_t masks_shortest = 257;  // samples, half a frame of the masks' STFT and one

struct Signals {
  std::vector<std::vector<double>> rows;
  explicit Signals(const Tensor& tensor) {
    const Tensor wide = tensor.cast(DType::float64);
    const int64_t length = tensor.size(1);
    for (int64_t row = 0; row < tensor.size(0); ++row)
      rows.emplace_back(wide.data<double>() + row * length, wide.data<double>() + (row + 1) * length);
  }
};

bool is_silent(const std::vector<double>& signal) {
  return std::all_of(signal.begin(), signal.end(), [](double x) { return x == 0; });
}

// Empty, or which references hold nothing but zeros.
std::string silent_references(const Signals& references) {
  std::vector<std::string> names;
  for (size_t s = 0; s < references.rows.size(); ++s)
    if (is_silent(references.rows[s])) names.push_back(fmt::format("s{}", s + 1));
  if (names.empty()) return "";
  return fmt::format("silent {} {}", names.size() == 1 ? "reference" : "references", fmt::join(names, ", "));
}

void check(const ScoredSignals& signals) {
  check_dim("score_item", "references", signals.references, 2);
  const int64_t length = signals.references.size(1);
  check_shape("score_item", "estimates", signals.estimates, {-1, length});
  if (signals.mixture.defined()) check_shape("score_item", "mixture", signals.mixture, {length});
  if (signals.estimates.size(0) < signals.references.size(0) || signals.references.size(0) < 1 || length < 1)
    throw_error("[score_item] expected samples of at least one source and an output for each, got {} and {}",
                describe(signals.references), describe(signals.estimates));
  for (const Tensor* tensor : {&signals.references, &signals.estimates, &signals.mixture}) {
    if (!tensor->defined()) continue;
    for (const double sample : tensor->cast(DType::float64).to_vector<double>())
      if (!std::isfinite(sample)) throw_error("[score_item] expected finite samples, got {}", sample);
  }
}

Score si_sdr_score(std::span<const double> reference, const std::vector<double>& estimate, bool zero_mean) {
  if (is_silent(estimate)) return {std::nullopt, "the estimate is silent"};
  const std::optional<double> score = si_snr(reference, estimate, 0, zero_mean ? Mean::removed : Mean::kept);
  return score ? Score{score} : Score{std::nullopt, "nothing is left without the mean"};
}

// [source][output]
std::vector<Score> permutation_scores(const Tensor& references, const Tensor& estimates,
                                      const ScoringOptions& options) {
  std::vector<Score> scores;
  if (options.permutation_by == Metric::si_sdr) {
    const Signals sources(references), outputs(estimates);
    for (const auto& source : sources.rows)
      for (const auto& output : outputs.rows) scores.push_back(si_sdr_score(source, output, options.zero_mean));
    return scores;
  }
  // One reference has no interference: then SDR decides.
  const bool sdr = options.permutation_by == Metric::sdr || references.size(0) == 1;
  for (const BssScores& pair : bss_eval(references, estimates, {.sdr = sdr, .interference = !sdr}))
    scores.push_back(sdr ? pair.sdr : pair.sir);
  return scores;
}

Tensor chosen_rows(const Tensor& signals, const std::vector<int64_t>& rows) {
  const Tensor result = Tensor::empty({static_cast<int64_t>(rows.size()), signals.size(1)}, signals.dtype());
  for (size_t i = 0; i < rows.size(); ++i)
    result.slice(static_cast<int64_t>(i), static_cast<int64_t>(i) + 1).copy_from(signals.slice(rows[i], rows[i] + 1));
  return result;
}

// What is scored beside the network, (S, L), or (1, L) for all sources; not defined, with a reason, where it cannot be
// made.
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

// One thing that is scored, and its scores by metric and source.
struct Scored {
  Metrics metrics;                // what is wanted of it
  Tensor estimates;               // (S, L) float64, in the order of the sources, or (1, L) for all of them
  const char* missing = nullptr;  // why there are no estimates
  std::map<Metric, std::vector<Score>> scores;

  int64_t row_of(int64_t source) const { return estimates.size(0) == 1 ? 0 : source; }
};
using Systems = std::map<System, Scored>;

// All systems at once: most of the work is in the references' filters.
void add_bss(const Tensor& references, Systems& systems) {
  BssParts parts{false, false};
  std::vector<Tensor> stacked;
  int64_t rows = 0;
  for (const auto& [name, system] : systems) {
    parts.sdr |= system.metrics.contains(Metric::sdr);
    parts.interference |= system.metrics.contains(Metric::sir) || system.metrics.contains(Metric::sar);
    if (!system.estimates.defined()) continue;
    stacked.push_back(system.estimates);
    rows += system.estimates.size(0);
  }
  if (!parts.sdr && !parts.interference) return;
  const std::vector<BssScores> pairs = bss_eval(references, concat(stacked, 0), parts);
  int64_t first = 0;
  for (auto& [name, system] : systems) {
    if (!system.estimates.defined()) continue;
    for (int64_t s = 0; s < references.size(0); ++s) {
      const BssScores& pair = pairs[s * rows + first + system.row_of(s)];
      system.scores[Metric::sdr].push_back(pair.sdr);
      system.scores[Metric::sir].push_back(pair.sir);
      system.scores[Metric::sar].push_back(pair.sar);
    }
    first += system.estimates.size(0);
  }
}

Score pesq_score(const PesqFunction& pesq, const Tensor& reference, const Tensor& estimate, int sample_rate, bool wide,
                 std::string& failure) {
  const std::vector<float> heard = reference.cast(DType::float32).to_vector<float>(),
                           degraded = estimate.cast(DType::float32).to_vector<float>();
  try {
    return pesq(heard, degraded, sample_rate, wide);
  } catch (const Error& error) {  // one bad answer must not cost the other scores
    if (failure.empty()) failure = error.what();
    return {std::nullopt, "the PESQ program failed"};
  }
}

// The metrics of one signal against one reference: all but BSS-eval's.
void add_plain(const ScoredSignals& signals, int64_t source, const ScoringOptions& options, Scored& system,
               std::string& failure) {
  const auto wanted = [&](Metric metric) { return system.metrics.contains(metric); };
  const int64_t row = system.row_of(source);
  const Tensor reference = signals.references.slice(source, source + 1),
               estimate = system.estimates.slice(row, row + 1);
  const auto wide = reference.cast(DType::float64).to_vector<double>(), output = estimate.to_vector<double>();
  if (wanted(Metric::si_sdr)) system.scores[Metric::si_sdr].push_back(si_sdr_score(wide, output, options.zero_mean));
  if (wanted(Metric::stoi) || wanted(Metric::estoi)) {
    const StoiScores both = stoi_scores(wide, output, signals.sample_rate, wanted(Metric::stoi), wanted(Metric::estoi));
    system.scores[Metric::stoi].push_back(both.classic);
    system.scores[Metric::estoi].push_back(both.extended);
  }
  for (const Metric metric : {Metric::pesq_nb, Metric::pesq_wb})
    if (wanted(metric))
      system.scores[metric].push_back(
          pesq_score(options.pesq, reference, estimate, signals.sample_rate, metric == Metric::pesq_wb, failure));
}

Score improvement(const Score& score, const Score& mixture) {
  if (!score.value) return score;
  if (!mixture.value) return {std::nullopt, "the mixture has no score"};
  if (!std::isfinite(*mixture.value)) return {std::nullopt, "the mixture's own score is infinite"};
  return {*score.value - *mixture.value};
}

}  // namespace

ScoredItem score_item(const std::string& name, const ScoredSignals& signals, const std::vector<ScoreColumn>& columns,
                      const ScoringOptions& options) {
  check(signals);
  const int64_t sources = signals.references.size(0);
  ScoredItem item{name, {}, {}, silent_references(Signals(signals.references)), ""};
  if (!item.skipped.empty()) return item;

  std::vector<double> sortable;
  for (const Score& score : permutation_scores(signals.references, signals.estimates, options))
    sortable.push_back(score.value.value_or(-std::numeric_limits<double>::infinity()));
  item.outputs = best_assignment(sortable, sources, signals.estimates.size(0));

  Systems systems;
  for (const ScoreColumn& column : columns) {
    systems[column.system].metrics.insert(column.metric);
    if (column.improvement) systems[System::mixture].metrics.insert(column.metric);
  }
  for (auto& [what, system] : systems) {
    const Tensor estimates = what == System::estimate ? chosen_rows(signals.estimates, item.outputs)
                                                      : oracle_estimates(what, signals, system.missing);
    if (!estimates.defined()) continue;
    system.estimates = estimates.cast(DType::float64);
    for (int64_t s = 0; s < sources; ++s) {
      std::string failure;
      add_plain(signals, s, options, system, failure);
      if (item.failure.empty() && !failure.empty()) item.failure = fmt::format("{} s{}: {}", item.name, s + 1, failure);
    }
  }
  add_bss(signals.references, systems);

  const auto score_of = [&](System system, Metric metric, int64_t source) {
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
