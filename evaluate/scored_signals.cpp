#include "evaluate/scored_signals.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "audio/silence.h"
#include "tensor/error.h"

namespace sunder {
namespace {

// Beyond, squares of a double overflow or vanish. Samples of 32 bits are always within.
constexpr double loudest_peak = 1e100, quietest_peak = 1e-100;

// `name`: "reference", "estimate" or "mixture"; signals: (N, M, L).
void check_samples(const char* name, const Tensor& signals) {
  for (int64_t n = 0; n < signals.size(0); ++n) {
    double peak = 0;
    for (const double sample : signal_row(signals, n)) {
      if (!std::isfinite(sample)) throw_error("[score_item] expected finite samples, got {}", sample);
      peak = std::max(peak, std::abs(sample));
    }
    if (peak > loudest_peak || (peak > 0 && peak < quietest_peak))
      throw_error("{} {} is too {} to be scored: its peak is {}", name, n + 1, peak > 1 ? "loud" : "quiet", peak);
  }
}

}  // namespace

std::vector<std::string> numbered_sources(int64_t count) {
  std::vector<std::string> names;
  for (int64_t s = 1; s <= count; ++s) names.push_back(fmt::format("s{}", s));
  return names;
}

std::span<const double> signal_row(const Tensor& signals, int64_t index) {
  const int64_t length = signals.numel() / signals.size(0);
  return {signals.data<double>() + index * length, static_cast<size_t>(length)};
}

std::span<const double> channel_row(const Tensor& signals, int64_t index, int64_t channel) {
  const auto length = static_cast<size_t>(signals.size(2));
  return signal_row(signals, index).subspan(static_cast<size_t>(channel) * length, length);
}

Tensor channel_of(const Tensor& signals, int64_t channel) {
  const int64_t count = signals.size(0), length = signals.size(2);
  if (signals.size(1) == 1) return signals.reshape({count, length});
  const Tensor result = Tensor::empty({count, length}, DType::float64);
  double* to = result.mutable_data<double>();
  for (int64_t n = 0; n < count; ++n) to = std::ranges::copy(channel_row(signals, n, channel), to).out;
  return result;
}

Tensor from_channels(const std::vector<Tensor>& channels) {
  const int64_t count = channels[0].size(0), number = static_cast<int64_t>(channels.size()),
                length = channels[0].size(1);
  if (number == 1) return channels[0].reshape({count, 1, length});
  const Tensor result = Tensor::empty({count, number, length}, DType::float64);
  double* to = result.mutable_data<double>();
  for (int64_t n = 0; n < count; ++n)
    for (const Tensor& channel : channels) to = std::copy_n(channel.data<double>() + n * length, length, to);
  return result;
}

std::string silent_references(const Tensor& references, const std::vector<std::string>& sources) {
  std::vector<std::string> names;
  for (int64_t s = 0; s < references.size(0); ++s)
    if (is_silent(signal_row(references, s))) names.push_back(sources[s]);
  if (names.empty()) return "";
  return fmt::format("silent {} {}", names.size() == 1 ? "reference" : "references", fmt::join(names, ", "));
}

ScoredSignals checked_signals(const ScoredSignals& signals) {
  const Tensor& references = signals.references;
  if (references.dim() != 3) check_dim("score_item", "references", references, 2);
  const int64_t length = references.size(-1), channels = references.dim() == 3 ? references.size(1) : 1;
  Shape other = references.shape();
  other[0] = -1;
  check_shape("score_item", "estimates", signals.estimates, other);
  other.erase(other.begin());
  if (signals.mixture.defined()) check_shape("score_item", "mixture", signals.mixture, other);
  if (signals.estimates.size(0) < references.size(0) || references.size(0) < 1 || channels < 1 || length < 1)
    throw_error("[score_item] expected samples of at least one source and an output for each, got {} and {}",
                describe(references), describe(signals.estimates));
  if (!signals.sources.empty() && static_cast<int64_t>(signals.sources.size()) != references.size(0))
    throw_error("[score_item] expected the names of {} sources, got {}", references.size(0), signals.sources.size());
  ScoredSignals wide = signals;
  const auto widen = [&](const char* name, Tensor& tensor) {
    if (!tensor.defined()) return;
    tensor = tensor.cast(DType::float64).reshape({-1, channels, length});
    check_samples(name, tensor);
  };
  widen("reference", wide.references);
  widen("estimate", wide.estimates);
  widen("mixture", wide.mixture);
  if (wide.sources.empty()) wide.sources = numbered_sources(references.size(0));
  return wide;
}

std::vector<int64_t> heard_channels(const Tensor& references, int64_t source) {
  std::vector<int64_t> channels;
  for (int64_t c = 0; c < references.size(1); ++c)
    if (!is_silent(channel_row(references, source, c))) channels.push_back(c);
  return channels;
}

Tensor chosen_rows(const Tensor& signals, const std::vector<int64_t>& rows) {
  Shape shape = signals.shape();
  shape[0] = static_cast<int64_t>(rows.size());
  const Tensor result = Tensor::empty(shape, signals.dtype());
  for (size_t i = 0; i < rows.size(); ++i)
    result.slice(static_cast<int64_t>(i), static_cast<int64_t>(i) + 1).copy_from(signals.slice(rows[i], rows[i] + 1));
  return result;
}

}  // namespace sunder
