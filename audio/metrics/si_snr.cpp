#include "audio/metrics/si_snr.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "audio/metrics/assignment.h"
#include "tensor/simd.h"

namespace sunder {
namespace {

constexpr double oracle_eps = 1e-8;

using Signal = std::vector<double>;

std::vector<Signal> rows_of(const Tensor& signals) {
  const Tensor wide = signals.cast(DType::float64);
  const int64_t length = signals.size(-1);
  std::vector<Signal> rows;
  for (int64_t row = 0; row < signals.size(0); ++row)
    rows.emplace_back(wide.data<double>() + row * length, wide.data<double>() + (row + 1) * length);
  return rows;
}

void check_pair(const char* op, const Tensor& references, const Tensor& estimates) {
  check_dim(op, "references", references, 2);
  check_shape(op, "estimates", estimates, {-1, references.size(1)});
  if (estimates.size(0) < references.size(0) || references.size(0) < 1)
    throw_error("[{}] expected at least one source and an output for each, got {} and {}", op, describe(references),
                describe(estimates));
}

void check(const char* op, const Tensor& references, const Tensor& estimates, const Tensor& mixture) {
  check_pair(op, references, estimates);
  check_shape(op, "mixture", mixture, {references.size(1)});
}

// An undefined score sorts as the worst.
double sortable(const std::optional<double>& score) { return score.value_or(-std::numeric_limits<double>::infinity()); }

SourceScore improvement(const std::optional<double>& score, const Signal& reference, const Signal& mixture,
                        int64_t output, double eps) {
  SourceScore result{score, std::nullopt, output};
  const std::optional<double> before = si_snr(reference, mixture, eps);
  if (score && before && std::isfinite(*before)) result.si_snri = *score - *before;
  return result;
}

struct Products {
  double reference = 0, both = 0, estimate = 0;
};

SUNDER_SIMD Products products_of(const double* s, const double* e, size_t count) {
  double reference = 0, both = 0, estimate = 0;
#pragma omp simd reduction(+ : reference, both, estimate)
  for (size_t i = 0; i < count; ++i) {
    reference += s[i] * s[i];
    both += s[i] * e[i];
    estimate += e[i] * e[i];
  }
  return {reference, both, estimate};
}

struct Energies {
  double target = 0, noise = 0;
};

// Energies of a s and of e - a s.
SUNDER_SIMD Energies projected(const double* s, const double* e, double a, size_t count) {
  double target = 0, noise = 0;
#pragma omp simd reduction(+ : target, noise)
  for (size_t i = 0; i < count; ++i) {
    const double projection = a * s[i];
    target += projection * projection;
    noise += (e[i] - projection) * (e[i] - projection);
  }
  return {target, noise};
}

// A constant becomes exact zeros; its computed mean has a rounding error.
Signal without_mean(std::span<const double> signal) {
  Signal result(signal.begin(), signal.end());
  const double mean = std::accumulate(signal.begin(), signal.end(), 0.0) / static_cast<double>(signal.size());
  const bool constant = std::all_of(signal.begin(), signal.end(), [&](double x) { return x == signal[0]; });
  for (double& x : result) x = constant ? 0 : x - mean;
  return result;
}

// Gives every output to exactly one source so that the sum of scores is largest; returns a set of outputs per source.
// scores: [source][set of outputs], bit k of a set for output k.
std::vector<int64_t> best_split(const std::vector<std::optional<double>>& scores, int64_t sources, int64_t outputs) {
  const int64_t ways = std::llround(std::pow(sources, outputs));
  double best_sum = 0;
  std::vector<int64_t> best;
  for (int64_t way = 0; way < ways; ++way) {  // digit k in base S: the source of output k
    std::vector<int64_t> set(sources, 0);
    for (int64_t output = 0, digits = way; output < outputs; ++output, digits /= sources)
      set[digits % sources] |= int64_t{1} << output;
    double sum = 0;
    for (int64_t s = 0; s < sources; ++s) sum += std::max(sortable(scores[(s << outputs) + set[s]]), -1e6);
    if (way > 0 && sum <= best_sum) continue;
    best_sum = sum;
    best = set;
  }
  return best;
}

}  // namespace

std::optional<double> si_snr(std::span<const double> reference, std::span<const double> estimate, double eps,
                             Mean mean) {
  if (reference.size() != estimate.size())
    throw_error("[si_snr] expected an estimate of {} samples, got {}", reference.size(), estimate.size());
  if (mean == Mean::removed) return si_snr(without_mean(reference), without_mean(estimate), eps);
  const Products products = products_of(reference.data(), estimate.data(), reference.size());
  if (products.reference == 0 || products.estimate == 0) return std::nullopt;
  const double a = products.both / products.reference;
  const Energies energies = projected(reference.data(), estimate.data(), a, reference.size());
  return 10 * std::log10(energies.target / (energies.noise + eps));
}

std::vector<SourceScore> score_separation(const Tensor& references, const Tensor& estimates, const Tensor& mixture) {
  check("score_separation", references, estimates, mixture);
  const auto sources = rows_of(references), outputs = rows_of(estimates);
  const Signal x = rows_of(mixture.reshape({1, -1}))[0];
  const int64_t count = static_cast<int64_t>(outputs.size());
  std::vector<std::optional<double>> scores;
  std::vector<double> values;
  for (const Signal& source : sources) {
    for (const Signal& output : outputs) {
      scores.push_back(si_snr(source, output));
      values.push_back(sortable(scores.back()));
    }
  }
  const auto output_of = best_assignment(values, static_cast<int64_t>(sources.size()), count);
  std::vector<SourceScore> result;
  for (size_t s = 0; s < sources.size(); ++s)
    result.push_back(improvement(scores[s * count + output_of[s]], sources[s], x, output_of[s], 0));
  return result;
}

Tensor best_sums(const Tensor& references, const Tensor& estimates) {
  check_pair("best_sums", references, estimates);
  const auto sources = rows_of(references), outputs = rows_of(estimates);
  const int64_t count = static_cast<int64_t>(outputs.size());
  if (count > best_sums_max_outputs)
    throw_error("[best_sums] expected at most {} outputs, got {}", best_sums_max_outputs, count);

  // The score of every source with every set of outputs, then the best way to split the outputs among the sources.
  const int64_t sets = int64_t{1} << count;
  const auto sum_of = [&](int64_t set) {
    Signal sum(sources[0].size(), 0.0);
    for (int64_t output = 0; output < count; ++output)
      for (size_t i = 0; (set >> output & 1) && i < sum.size(); ++i) sum[i] += outputs[output][i];
    return sum;
  };
  std::vector<std::optional<double>> scores(sources.size() * sets);
  for (int64_t set = 1; set < sets; ++set) {
    const Signal sum = sum_of(set);
    for (size_t s = 0; s < sources.size(); ++s) scores[s * sets + set] = si_snr(sources[s], sum, oracle_eps);
  }
  const Tensor result = Tensor::empty(references.shape(), DType::float64);
  double* row = result.mutable_data<double>();
  for (const int64_t set : best_split(scores, static_cast<int64_t>(sources.size()), count))
    row = std::ranges::copy(sum_of(set), row).out;
  return result;
}

std::vector<SourceScore> score_best_sums(const Tensor& references, const Tensor& estimates, const Tensor& mixture) {
  check("score_best_sums", references, estimates, mixture);
  const auto sources = rows_of(references), sums = rows_of(best_sums(references, estimates));
  const Signal x = rows_of(mixture.reshape({1, -1}))[0];
  std::vector<SourceScore> result;
  for (size_t s = 0; s < sources.size(); ++s)
    result.push_back(
        improvement(si_snr(sources[s], sums[s], oracle_eps), sources[s], x, static_cast<int64_t>(s), oracle_eps));
  return result;
}

std::optional<double> mean_si_snri(const std::vector<SourceScore>& scores) {
  double sum = 0;
  int64_t count = 0;
  for (const SourceScore& score : scores) {
    if (!score.si_snri) continue;
    sum += *score.si_snri;
    ++count;
  }
  if (count == 0) return std::nullopt;
  return sum / static_cast<double>(count);
}

}  // namespace sunder
