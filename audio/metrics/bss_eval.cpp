#include "audio/metrics/bss_eval.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "audio/metrics/block_toeplitz.h"
#include "audio/metrics/peak.h"
#include "audio/metrics/short_filters.h"
#include "tensor/simd.h"

namespace sunder {
namespace {

// Energies from correlations alone are used if rounding changes them by no more than this share: 4e-6 dB.
constexpr double largest_error = 1e-6;
// Rounding of a correlation, relative to the signals' energies: a few eps of the transforms, measured up to 7e-16.
constexpr double correlation_error = 1e-15;
constexpr double loadings[] = {0, 1e-14, 1e-13, 1e-11, 1e-9, 1e-7};  // of the references' energies

// The signals that are not silent, scaled to unit energy: the scores do not depend on levels.
struct Signals {
  std::vector<BlockedSignal> signals;
  std::vector<int64_t> place;  // of each row in `signals`, or -1
};

SUNDER_SIMD double scaled_energy(const double* x, double scale, int64_t count) {
  double energy = 0;
#pragma omp simd reduction(+ : energy) simdlen(16)
  for (int64_t t = 0; t < count; ++t) energy += (scale * x[t]) * (scale * x[t]);
  return energy;
}

Signals load(const char* name, const Tensor& tensor, const ShortFilters& filters) {
  const Tensor wide = tensor.cast(DType::float64);
  const int64_t length = tensor.size(1);
  Signals result;
  for (int64_t row = 0; row < tensor.size(0); ++row) {
    const std::span x(wide.data<double>() + row * length, length);
    const double peak = finite_peak("bss_eval", fmt::format("{} {}", name, row + 1).c_str(), x);
    result.place.push_back(peak > 0 ? static_cast<int64_t>(result.signals.size()) : -1);
    if (peak == 0) continue;
    const double gain = gain_to_unit_peak(peak);
    const double unit = gain / std::sqrt(scaled_energy(x.data(), gain, length));
    result.signals.push_back(filters.blocked(x, unit));
  }
  return result;
}

double inner_product(std::span<const double> a, std::span<const double> b) {
  return std::transform_reduce(a.begin(), a.end(), b.begin(), 0.0);
}

// The filters that solve one system of normal equations for all estimates, and the energy they explain of each.
struct Fit {
  std::vector<double> filters;    // (K, P, N)
  std::vector<double> explained;  // (K), of the estimate's energy 1
  std::vector<double> error;      // (K), bound on the rounding error of `explained`
};

Fit fit(std::span<const double> correlations, int64_t signals, int64_t taps, std::span<const double> right_sides) {
  Fit result;
  double added = 0;
  for (const double loading : loadings) {
    auto solved = solve_block_toeplitz(correlations, signals, taps, right_sides, added = loading);
    if (!solved) continue;
    result.filters = std::move(*solved);
    break;
  }
  SUNDER_ASSERT(!result.filters.empty());
  // A filter is as exact as if the matrix M had errors of correlation_error |M|, which change h^T M h by |M| |h|^2
  // times that (1.7 times at most, measured on ill-conditioned signals); loading changes it by its share of |h|^2.
  double norm = 0;
  for (const double value : correlations) norm += 2 * std::abs(value);
  const int64_t rows = signals * taps;
  for (size_t at = 0; at < right_sides.size(); at += rows) {
    const std::span h(result.filters.data() + at, rows);
    result.explained.push_back(inner_product(h, right_sides.subspan(at, rows)));
    result.error.push_back(correlation_error + (correlation_error * norm + added) * inner_product(h, h));
  }
  return result;
}

Score decibels(double signal, double noise) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (signal == 0 && noise == 0) return {{}, "the estimate holds nothing of the references"};
  if (noise == 0) return {infinity, nullptr};
  return {signal == 0 ? -infinity : 10 * std::log10(signal / noise), nullptr};
}

BssScores scores_of(const FilteredEnergies& e, BssParts parts, bool alone) {
  constexpr Score not_asked{{}, "not asked for"};
  BssScores result{not_asked, not_asked, not_asked};
  const Score sdr = decibels(e.target, e.rest);
  if (parts.sdr) result.sdr = sdr;
  if (!parts.interference) return result;
  result.sir = alone ? Score{std::numeric_limits<double>::infinity(), nullptr} : decibels(e.target, e.interference);
  result.sar = alone ? sdr : decibels(e.joint, e.artifacts);
  return result;
}

// The energies of one estimate and each source, from the correlations if that is exact enough.
class Scorer {
 public:
  Scorer(const ShortFilters& filters, const std::vector<BlockedSignal>& references,
         const std::vector<BlockedSignal>& estimates, int64_t taps, bool interference)
      : filters_(filters),
        references_(references),
        estimates_(estimates),
        taps_(taps),
        joint_(interference && references.size() > 1) {
    const auto S = static_cast<int64_t>(references.size()), K = static_cast<int64_t>(estimates.size());
    const Correlations products = filters.correlate(references, estimates);
    const std::span between(products.references), with(products.estimates);
    for (int64_t i = 0; i < S; ++i)
      own_.push_back(fit(between.subspan(i * (S + 1) * taps, taps), 1, taps, with.subspan(i * K * taps, K * taps)));
    if (!joint_) return;
    std::vector<double> right_sides;
    for (int64_t k = 0; k < K; ++k)
      for (int64_t i = 0; i < S; ++i)
        right_sides.insert(right_sides.end(), with.begin() + (i * K + k) * taps, with.begin() + (i * K + k + 1) * taps);
    all_ = fit(between, S, taps, right_sides);
  }

  std::vector<FilteredEnergies> energies(int64_t k) const {
    std::vector<FilteredEnergies> result;
    bool exact = true;
    for (const Fit& own : own_) {
      FilteredEnergies e{own.explained[k], 1 - own.explained[k]};
      double error = own.error[k], least = std::min(e.target, e.rest);
      if (joint_) {
        e.joint = all_.explained[k];
        e.interference = e.joint - e.target;
        e.artifacts = 1 - e.joint;
        error += all_.error[k];
        least = std::min({least, e.interference, e.artifacts});
      }
      exact = exact && error <= largest_error * least;
      result.push_back(e);
    }
    if (exact) return result;
    // Errors of the filters enter the residual only by their square.
    std::vector<double> own;
    for (const Fit& fit : own_)
      own.insert(own.end(), fit.filters.begin() + k * taps_, fit.filters.begin() + (k + 1) * taps_);
    const int64_t rows = static_cast<int64_t>(references_.size()) * taps_;
    return filters_.energies(references_, estimates_[k], own,
                             joint_ ? std::span(all_.filters).subspan(k * rows, rows) : std::span<const double>());
  }

 private:
  const ShortFilters& filters_;
  const std::vector<BlockedSignal>&references_, &estimates_;
  int64_t taps_;
  bool joint_;
  std::vector<Fit> own_;
  Fit all_;
};

}  // namespace

std::vector<BssScores> bss_eval(const Tensor& references, const Tensor& estimates, BssParts parts,
                                int64_t filter_length) {
  check_dim("bss_eval", "references", references, 2);
  check_shape("bss_eval", "estimates", estimates, {-1, references.size(1)});
  if (filter_length < 1) throw_error("[bss_eval] expected filters of at least 1 sample, got {}", filter_length);
  const ShortFilters filters(filter_length);
  const Signals sources = load("reference", references, filters), outputs = load("estimate", estimates, filters);
  const auto K = static_cast<int64_t>(outputs.place.size());
  const Score silent_source{{}, "the reference is silent"}, silent_output{{}, "the estimate is silent"};
  std::vector<BssScores> result;
  for (const int64_t source : sources.place) {
    const Score score = source < 0 ? silent_source : silent_output;
    result.insert(result.end(), K, {score, score, score});
  }
  if (sources.signals.empty() || outputs.signals.empty()) return result;

  const Scorer scorer(filters, sources.signals, outputs.signals, filter_length, parts.interference);
  for (int64_t k = 0; k < K; ++k) {
    if (outputs.place[k] < 0) continue;
    const std::vector<FilteredEnergies> energies = scorer.energies(outputs.place[k]);
    for (size_t i = 0; i < sources.place.size(); ++i)
      if (sources.place[i] >= 0)
        result[i * K + k] = scores_of(energies[sources.place[i]], parts, sources.signals.size() == 1);
  }
  return result;
}

}  // namespace sunder
