#include "audio/metrics/bin_order.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <span>

#include "audio/metrics/assignment.h"
#include "audio/metrics/si_snr.h"
#include "tensor/error.h"
#include "tensor/ops/istft.h"
#include "tensor/ops/stft.h"

namespace sunder {
namespace {

// Orders are equal where they explain the same energy but for rounding.
constexpr double equal_energy = 1e-9;

// Spectra (S, T, F) seen bin by bin.
struct Spectra {
  Tensor tensor;
  int64_t frames = tensor.size(1), bins = tensor.size(2);
  const complex128* values = tensor.data<complex128>();

  complex128 at(int64_t s, int64_t t, int64_t f) const { return values[(s * frames + t) * bins + f]; }
  double energy(int64_t s, int64_t f) const {
    double sum = 0;
    for (int64_t t = 0; t < frames; ++t) sum += std::norm(at(s, t, f));
    return sum;
  }
};

// The energy of reference s that output k, whose own is `energy`, explains in bin f.
double explained(const Spectra& references, const Spectra& estimates, int64_t s, int64_t k, int64_t f, double energy) {
  if (energy == 0) return 0;
  complex128 both = 0;
  for (int64_t t = 0; t < references.frames; ++t) both += std::conj(estimates.at(k, t, f)) * references.at(s, t, f);
  return std::norm(both) / energy;
}

// The output of each source in bin f.
std::vector<int64_t> order_of(const Spectra& references, const Spectra& estimates, int64_t f) {
  const int64_t sources = references.tensor.size(0);
  std::vector<double> energies, scores;
  for (int64_t k = 0; k < sources; ++k) energies.push_back(estimates.energy(k, f));
  for (int64_t s = 0; s < sources; ++s)
    for (int64_t k = 0; k < sources; ++k) scores.push_back(explained(references, estimates, s, k, f, energies[k]));
  const auto total = [&](const std::vector<int64_t>& order) {
    double sum = 0;
    for (int64_t s = 0; s < sources; ++s) sum += scores[s * sources + order[s]];
    return sum;
  };
  std::vector<int64_t> own(sources);
  std::iota(own.begin(), own.end(), 0);
  const double largest = *std::ranges::max_element(scores);
  if (largest > 0)  // best_assignment takes scores up to 1e6
    for (double& score : scores) score /= largest;
  const std::vector<int64_t> best = best_assignment(scores, sources, sources);
  return total(best) - total(own) > equal_energy ? best : own;
}

// Which bins are loud enough to count.
std::vector<bool> counted_bins(const Spectra& references) {
  std::vector<double> energies(references.bins);
  for (int64_t f = 0; f < references.bins; ++f)
    for (int64_t s = 0; s < references.tensor.size(0); ++s) energies[f] += references.energy(s, f);
  const double floor = *std::ranges::max_element(energies) * std::pow(10, bin_order_floor_db / 10);
  std::vector<bool> counted;
  for (const double energy : energies) counted.push_back(energy > floor);
  return counted;
}

std::span<const double> row(const Tensor& signals, int64_t s) {
  return {signals.data<double>() + s * signals.size(1), static_cast<size_t>(signals.size(1))};
}

}  // namespace

std::vector<BinOrderScores> bin_order(const Tensor& references, const Tensor& estimates, int sample_rate) {
  check_dim("bin_order", "references", references, 2);
  check_shape("bin_order", "estimates", estimates, references.shape());
  const int64_t sources = references.size(0), length = references.size(1);
  if (sources < 1 || sources > bin_order_most_sources)
    throw_error("[bin_order] expected 1 to {} sources, got {}", bin_order_most_sources, describe(references));
  const auto n_fft =
      static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(std::max(4.0, bin_order_frame_seconds * sample_rate))));
  const auto none = [&](const char* why) {
    return std::vector<BinOrderScores>(sources, {{std::nullopt, why}, {std::nullopt, why}});
  };
  if (length <= n_fft / 2) return none("shorter than a frame");
  const Tensor window = make_window("sqrt_hann", n_fft, DType::float64);
  const Tensor wide = references.cast(DType::float64);
  const Spectra from{stft(wide, window, n_fft / 2)}, found{stft(estimates.cast(DType::float64), window, n_fft / 2)};
  const std::vector<bool> counted = counted_bins(from);
  const int64_t count = std::ranges::count(counted, true);
  if (count == 0) return none("the references are silent");

  std::vector<int64_t> right(sources);
  const Tensor ordered = Tensor::empty_like(found.tensor);
  for (int64_t f = 0; f < from.bins; ++f) {
    const std::vector<int64_t> order = order_of(from, found, f);
    for (int64_t s = 0; s < sources; ++s) {
      right[s] += counted[f] && order[s] == s;
      for (int64_t t = 0; t < from.frames; ++t)
        ordered.mutable_data<complex128>()[(s * from.frames + t) * from.bins + f] = found.at(order[s], t, f);
    }
  }
  const Tensor signals = istft(ordered, window, n_fft / 2, length);
  std::vector<BinOrderScores> scores;
  for (int64_t s = 0; s < sources; ++s) {
    const std::optional<double> score = si_snr(row(wide, s), row(signals, s));
    scores.push_back({{static_cast<double>(right[s]) / static_cast<double>(count)},
                      score ? Score{score} : Score{std::nullopt, "the estimate or the reference is silent"}});
  }
  return scores;
}

}  // namespace sunder
