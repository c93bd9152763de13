#include "evaluate/scoring.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include "audio/auxiva_separation.h"
#include "audio/metrics/assignment.h"
#include "audio/metrics/bin_order.h"
#include "audio/metrics/bss_eval.h"
#include "audio/metrics/oracle_masks.h"
#include "audio/metrics/si_snr.h"
#include "audio/metrics/stoi.h"
#include "tensor/error.h"
#include "tensor/ops/concat.h"

namespace sunder {
namespace {

using System = ScoredSystem;

constexpr int64_t masks_shortest = 257;  // samples: half a frame of the masks' STFT, and one

constexpr int64_t most_matches = 10'000'000;  // of outputs to sources: ten of each are a fraction of a second

// The mean of one score over channels. One channel's is the score itself.
Score mean_of(const std::vector<Score>& channels) {
  double sum = 0;
  for (const Score& score : channels) {
    if (!score.value) return score;
    sum += *score.value;
  }
  if (std::isnan(sum)) return {std::nullopt, "its channels' scores are infinite with both signs"};
  return {sum / static_cast<double>(channels.size())};
}

// By channel: [source][output] of BSS-eval.
using BssPairs = std::vector<std::vector<BssScores>>;

BssPairs bss_pairs(const Tensor& references, const Tensor& estimates, BssParts parts) {
  BssPairs pairs;
  for (int64_t c = 0; c < references.size(1); ++c)
    pairs.push_back(bss_eval(channel_of(references, c), channel_of(estimates, c), parts));
  return pairs;
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
  const int64_t sources = signals.references.size(0), outputs = signals.estimates.size(0);
  if (const auto* score = std::get_if<PairMetric>(&metric.score)) {
    for (int64_t s = 0; s < sources; ++s)
      for (int64_t k = 0; k < outputs; ++k)
        scores.push_back((*score)(
            {signal_row(signals.references, s), signal_row(signals.estimates, k), signals.sample_rate}, options));
  } else {
    // One reference has no interference: then SDR decides.
    const BssPart part = sources == 1 ? &BssScores::sdr : std::get<BssPart>(metric.score);
    const bool sdr = part == &BssScores::sdr;
    const BssPairs pairs = bss_pairs(signals.references, signals.estimates, {.sdr = sdr, .interference = !sdr});
    for (int64_t s = 0; s < sources; ++s) {
      const std::vector<int64_t> channels = heard_channels(signals.references, s);
      for (int64_t k = 0; k < outputs; ++k) {
        std::vector<Score> heard;
        for (const int64_t c : channels) heard.push_back(pairs[c][s * outputs + k].*part);
        scores.push_back(mean_of(heard));
      }
    }
  }
  std::vector<double> sortable;
  for (const Score& score : scores) sortable.push_back(score.value.value_or(-std::numeric_limits<double>::infinity()));
  return sortable;
}

// The output of each source.
std::vector<int64_t> matched_outputs(const ScoredSignals& signals, const ScoringOptions& options) {
  const int64_t sources = signals.references.size(0), outputs = signals.estimates.size(0);
  std::vector<int64_t> own(sources);
  std::iota(own.begin(), own.end(), 0);
  if (signals.matched) return own;
  int64_t matches = 1;
  for (int64_t s = 0; s < sources && matches <= most_matches; ++s) matches *= outputs - s;
  if (matches > most_matches)
    throw_error("expected at most {} ways to match outputs to sources, got more for {} sources and {} outputs",
                most_matches, sources, outputs);
  return best_assignment(permutation_scores(signals, options), sources, outputs);
}

// What AuxIVA separates, matched to the sources as a network's outputs are.
Tensor auxiva_estimates(const ScoredSignals& signals, const ScoringOptions& options, const char*& missing) {
  ScoredSignals separated = signals;
  try {
    separated.estimates =
        auxiva_sources(signals.recording, signals.sample_rate, {.sources = signals.references.size(0)})
            .cast(DType::float64)
            .reshape(signals.references.shape());
  } catch (const OutOfMemory&) {
    throw;
  } catch (const Error&) {
    missing = "AuxIVA needs a longer recording with a signal at every microphone";
    return {};
  }
  separated.matched = false;
  return chosen_rows(separated.estimates, matched_outputs(separated, options));
}

// Masks are made in every channel.
Tensor masked(System system, const ScoredSignals& signals) {
  const auto mask = system == System::irm   ? ideal_ratio_mask
                    : system == System::ibm ? ideal_binary_mask
                                            : phase_sensitive_mask;
  std::vector<Tensor> channels;
  for (int64_t c = 0; c < signals.references.size(1); ++c)
    channels.push_back(mask(channel_of(signals.references, c), channel_of(signals.mixture, c).reshape({-1}), 512, 128));
  return from_channels(channels);
}

// What is scored beside the network, float64: (S, M, L), or (1, M, L) for all sources. Undefined, with a reason, where
// it cannot be made.
Tensor oracle_estimates(System system, const ScoredSignals& signals, const ScoringOptions& options,
                        const char*& missing) {
  if (system == System::mixture) return signals.mixture;
  if (system == System::auxiva) return auxiva_estimates(signals, options, missing);
  if (system == System::sums) {
    const int64_t outputs = signals.estimates.size(0);
    if (outputs <= best_sums_max_outputs)
      return best_sums(signals.references.reshape({signals.references.size(0), -1}),
                       signals.estimates.reshape({outputs, -1}))
          .reshape(signals.references.shape());
    missing = "too many outputs to try all their sums";
    return {};
  }
  if (signals.references.size(2) >= masks_shortest) return masked(system, signals);
  missing = "shorter than the frames of the ideal masks";
  return {};
}

using Metrics = std::set<const Metric*>;

// A system and its scores by metric and source.
struct Scored {
  Metrics metrics;                // to be computed
  Tensor estimates;               // (S, M, L) float64 in the order of the sources, or (1, M, L) for all of them
  const char* missing = nullptr;  // why there are no estimates
  std::map<const Metric*, std::vector<Score>> scores;

  int64_t row_of(int64_t source) const { return estimates.size(0) == 1 ? 0 : source; }
  // Adds the wanted ones of scores that were computed together in each channel.
  template <class Scores>
  void add_parts(const std::vector<Scores>& channels) {
    for (const Metric* metric : metrics) {
      const auto* part = std::get_if<Score Scores::*>(&metric->score);
      if (!part) continue;
      std::vector<Score> own;
      for (const Scores& together : channels) own.push_back(together.**part);
      scores[metric].push_back(mean_of(own));
    }
  }
};
using Systems = std::map<System, Scored>;

// Bins change places among the outputs of all sources.
void add_orders(const ScoredSignals& signals, Scored& system) {
  if (std::ranges::none_of(system.metrics,
                           [](const Metric* metric) { return std::holds_alternative<OrderPart>(metric->score); }))
    return;
  const int64_t sources = signals.references.size(0), channels = signals.references.size(1);
  std::vector<std::vector<BinOrderScores>> scores;
  for (int64_t c = 0; c < channels; ++c)
    scores.push_back(
        bin_order(channel_of(signals.references, c), channel_of(system.estimates, c), signals.sample_rate));
  for (int64_t s = 0; s < sources; ++s) {
    std::vector<BinOrderScores> heard;
    for (const int64_t c : heard_channels(signals.references, s)) heard.push_back(scores[c][s]);
    system.add_parts(heard);
  }
}

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
  const BssPairs pairs = bss_pairs(references, concat(stacked, 0), parts);
  int64_t first = 0;
  for (auto& [name, system] : systems) {
    if (!system.estimates.defined()) continue;
    for (int64_t s = 0; s < references.size(0); ++s) {
      std::vector<BssScores> heard;
      for (const int64_t c : heard_channels(references, s))
        heard.push_back(pairs[c][s * rows + first + system.row_of(s)]);
      system.add_parts(heard);
    }
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

// All but BSS-eval and the order of bins, of one source: metrics of pairs take all channels as one signal.
void add_pair(const ScoredSignals& signals, int64_t source, const ScoringOptions& options, Scored& system,
              std::string& failure) {
  const int64_t estimate = system.row_of(source);
  std::vector<SignalPair> channels;
  for (const int64_t c : heard_channels(signals.references, source))
    channels.push_back(
        {channel_row(signals.references, source, c), channel_row(system.estimates, estimate, c), signals.sample_rate});
  bool classic = false, extended = false;
  for (const Metric* metric : system.metrics) {
    if (const auto* score = std::get_if<PairMetric>(&metric->score))
      system.scores[metric].push_back((*score)(
          {signal_row(signals.references, source), signal_row(system.estimates, estimate), signals.sample_rate},
          options));
    if (const auto* band = std::get_if<PesqBand>(&metric->score)) {
      std::vector<Score> scores;
      for (const SignalPair& pair : channels) scores.push_back(pesq_score(pair, *band, options.pesq, failure));
      system.scores[metric].push_back(mean_of(scores));
    }
    if (const auto* part = std::get_if<StoiPart>(&metric->score))
      (*part == &StoiScores::classic ? classic : extended) = true;
  }
  if (!classic && !extended) return;
  std::vector<StoiScores> scores;
  for (const SignalPair& pair : channels)
    scores.push_back(stoi_scores(pair.reference, pair.estimate, pair.sample_rate, classic, extended));
  system.add_parts(scores);
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
  const ScoredSignals signals = checked_signals(given);
  const int64_t sources = signals.references.size(0);
  ScoredItem item{.name = name, .sources = signals.sources};
  item.skipped = silent_references(signals.references, item.sources);
  if (!item.skipped.empty()) return item;
  item.outputs = matched_outputs(signals, options);

  Systems systems;
  for (const ScoreColumn& column : columns) {
    systems[column.system].metrics.insert(column.metric);
    if (column.improvement) systems[System::mixture].metrics.insert(column.metric);
  }
  for (auto& [what, system] : systems) {
    system.estimates = what == System::estimate ? chosen_rows(signals.estimates, item.outputs)
                                                : oracle_estimates(what, signals, options, system.missing);
    for (int64_t s = 0; s < sources && system.estimates.defined(); ++s) {
      std::string failure;
      add_pair(signals, s, options, system, failure);
      if (item.failure.empty() && !failure.empty())
        item.failure = fmt::format("{} {}: {}", item.name, item.sources[s], failure);
    }
    if (system.estimates.defined()) add_orders(signals, system);
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
