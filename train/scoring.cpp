#include "train/scoring.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "audio/metrics/oracle_masks.h"
#include "audio/metrics/si_snr.h"
#include "tensor/error.h"
#include "train/config.h"

namespace sunder {
namespace {

using Kind = ScoreColumn::Kind;

constexpr int64_t irm_shortest = 257;  // samples, half a frame of the masks' STFT and one
constexpr int64_t oracle_outputs = 8;  // score_best_sums takes no more

const std::vector<std::string> known_metrics = {"si_snr", "si_snri", "si_sdr", "si_sdri"};

// Empty, or which references hold nothing but zeros.
std::string silent_references(const Tensor& references) {
  const Tensor wide = references.cast(DType::float64);
  const int64_t length = references.size(1);
  std::vector<std::string> names;
  for (int64_t s = 0; s < references.size(0); ++s) {
    const double* signal = wide.data<double>() + s * length;
    if (std::all_of(signal, signal + length, [](double x) { return x == 0; }))
      names.push_back(fmt::format("s{}", s + 1));
  }
  if (names.empty()) return "";
  return fmt::format("silent {} {}", names.size() == 1 ? "reference" : "references", fmt::join(names, ", "));
}

}  // namespace

std::vector<ScoreColumn> score_columns(const std::vector<std::string>& metrics, const ScoredForm& form) {
  if (metrics.empty()) throw_error<UsageError>("--metrics: expected one of {}", fmt::join(known_metrics, ", "));
  std::vector<ScoreColumn> columns;
  for (const std::string& name : metrics) {
    if (std::find(known_metrics.begin(), known_metrics.end(), name) == known_metrics.end())
      throw_error<UsageError>("--metrics: unknown metric '{}'{}; this build knows {}", name,
                              suggest(name, known_metrics), fmt::join(known_metrics, ", "));
    if (std::count(metrics.begin(), metrics.end(), name) > 1) throw_error<UsageError>("--metrics: {} twice", name);
    const bool improvement = name.back() == 'i';
    if (improvement && !form.with_mixture)
      throw_error<UsageError>("--metrics: {} is measured from the mixtures; say where they are with --mixtures", name);
    const std::string label = name.starts_with("si_snr") ? "SI-SNR" : "SI-SDR";
    if (!improvement) {
      columns.push_back({Kind::estimate, name, label});
      continue;
    }
    columns.push_back({Kind::improvement, name, label + "i"});
    if (form.more_outputs)
      columns.push_back({Kind::oracle_improvement, "oracle_" + name, label + "i, outputs summed by an oracle"});
    columns.push_back({Kind::irm_improvement, "irm_" + name, label + "i of ideal ratio masks"});
  }
  const std::string base = metrics[0].substr(0, 6);
  if (form.with_mixture)
    columns.push_back(
        {Kind::mixture, "mixture_" + base, (base == "si_snr" ? "SI-SNR" : "SI-SDR") + std::string(" of the mixture")});
  return columns;
}

ScoredItem score_item(const std::string& name, const Tensor& references, const Tensor& estimates, const Tensor& mixture,
                      const std::vector<ScoreColumn>& columns) {
  const int64_t sources = references.size(0), length = references.size(1);
  ScoredItem item{name, {}, {}, silent_references(references)};
  item.scores.assign(sources, std::vector<std::optional<double>>(columns.size()));
  if (!item.skipped.empty()) return item;
  const Tensor measured_from = mixture.defined() ? mixture : Tensor::zeros({length}, references.dtype());
  const auto wanted = [&](Kind kind) {
    return std::any_of(columns.begin(), columns.end(),
                       [kind](const ScoreColumn& column) { return column.kind == kind; });
  };
  const std::vector<SourceScore> scores = score_separation(references, estimates, measured_from);
  std::vector<SourceScore> irm(sources), oracle(sources);
  if (wanted(Kind::irm_improvement) && length >= irm_shortest)
    irm = score_separation(references, ideal_ratio_mask(references, mixture), mixture);
  if (wanted(Kind::oracle_improvement) && estimates.size(0) <= oracle_outputs)
    oracle = score_best_sums(references, estimates, mixture);
  for (int64_t s = 0; s < sources; ++s) {
    item.outputs.push_back(scores[s].output);
    for (size_t c = 0; c < columns.size(); ++c) {
      std::optional<double>& value = item.scores[s][c];
      switch (columns[c].kind) {
        case Kind::estimate:
          value = scores[s].si_snr;
          break;
        case Kind::improvement:
          value = scores[s].si_snri;
          break;
        case Kind::irm_improvement:
          value = irm[s].si_snri;
          break;
        case Kind::oracle_improvement:
          value = oracle[s].si_snri;
          break;
        case Kind::mixture: {
          const auto wide = references.slice(s, s + 1).cast(DType::float64).to_vector<double>();
          value = si_snr(wide, mixture.cast(DType::float64).to_vector<double>());
        }
      }
    }
  }
  return item;
}

ScoreSummary summarise(const ScoreTable& table, size_t column) {
  std::vector<double> values;
  for (const ScoredItem& item : table.items)
    for (const auto& source : item.scores)
      if (source[column]) values.push_back(*source[column]);
  ScoreSummary summary{static_cast<int64_t>(values.size()), {}, {}, {}};
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
  return summary;
}

}  // namespace sunder
