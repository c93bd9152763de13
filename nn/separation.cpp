#include "nn/separation.h"

#include <algorithm>
#include <cmath>

#include "audio/metrics/assignment.h"
#include "autograd/variable.h"

namespace sunder {
namespace {

using Signals = std::vector<std::vector<float>>;

bool all_finite(const Tensor& tensor) {
  const Tensor in_float64 = tensor.cast(DType::float64);
  const double* values = in_float64.data<double>();
  return std::all_of(values, values + in_float64.numel(), [](double value) { return std::isfinite(value); });
}

double peak_of(const Tensor& tensor) {
  double peak = 0;
  const Tensor in_float64 = tensor.cast(DType::float64);
  for (int64_t i = 0; i < in_float64.numel(); ++i) peak = std::max(peak, std::abs(in_float64.data<double>()[i]));
  return peak;
}

// Estimates that are not finite: is it the input or the network?
[[noreturn]] void throw_not_finite(const Separator& network, const Tensor& input) {
  const double peak = peak_of(input);
  const auto scaled = [&] {
    const Tensor result = Tensor::empty(input.shape(), DType::float64);
    const Tensor in_float64 = input.cast(DType::float64);
    for (int64_t i = 0; i < input.numel(); ++i) result.mutable_data<double>()[i] = in_float64.data<double>()[i] / peak;
    return result.cast(input.dtype()).to(network.parameters().values().stream());
  };
  const bool too_loud =
      !std::isfinite(peak) || (peak > 1 && all_finite(network.forward(scaled()).value().to(cpu_device)));
  if (too_loud)
    throw_error(
        "the recording is too loud for the network, whose estimates are not finite: samples reach {:g}, full "
        "scale is 1",
        peak);
  throw_error("the network's estimates are not finite: is it the right model file?");
}

// mixtures: (..., L) -> (..., length), zero-padded at the end.
Tensor padded(const Tensor& mixtures, int64_t length) {
  Shape shape = mixtures.shape();
  shape.back() = length;
  const Tensor result = Tensor::zeros(shape, mixtures.dtype());
  const size_t each = size_of(mixtures.dtype()), bytes = static_cast<size_t>(mixtures.size(-1)) * each;
  for (int64_t row = 0; row < mixtures.numel() / mixtures.size(-1); ++row)
    std::copy_n(mixtures.raw() + static_cast<size_t>(row) * bytes, bytes,
                result.raw() + static_cast<size_t>(row * length) * each);
  return result;
}

// estimates: (B, S, L), L >= length -> (B, S, length).
Tensor cut(const Tensor& estimates, int64_t length) {
  const Tensor result = Tensor::empty({estimates.size(0), estimates.size(1), length}, estimates.dtype());
  const size_t each = size_of(estimates.dtype()), bytes = static_cast<size_t>(length) * each;
  for (int64_t row = 0; row < estimates.size(0) * estimates.size(1); ++row)
    std::copy_n(estimates.raw() + static_cast<size_t>(row * estimates.size(2)) * each, bytes,
                result.raw() + static_cast<size_t>(row) * bytes);
  return result;
}

// For each signal, the output of the chunk that continues it. chunk: (S, L); its first `overlap` samples coincide with
// signals[s][start...].
std::vector<int64_t> matching_outputs(const Signals& signals, const float* chunk, int64_t length, int64_t start,
                                      int64_t overlap) {
  const auto sources = static_cast<int64_t>(signals.size());
  std::vector<double> products;
  for (const std::vector<float>& signal : signals) {
    for (int64_t output = 0; output < sources; ++output) {
      double sum = 0;
      for (int64_t t = 0; t < overlap; ++t) sum += static_cast<double>(signal[start + t]) * chunk[output * length + t];
      products.push_back(sum);
    }
  }
  double largest = 0;
  for (const double product : products) largest = std::max(largest, std::abs(product));
  for (double& product : products) product /= std::max(largest, 1e-300);  // independent of the recording's level
  return best_assignment(products, sources, sources);
}

// Linear weights sum to one: estimates that sum to the mixture still do.
void fade_in(std::vector<float>& signal, const float* chunk, int64_t length, int64_t start, int64_t overlap) {
  for (int64_t t = 0; t < overlap; ++t) {
    const double share = (static_cast<double>(t) + 0.5) / static_cast<double>(overlap);
    signal[start + t] = static_cast<float>((1 - share) * signal[start + t] + share * chunk[t]);
  }
  signal.insert(signal.end(), chunk + overlap, chunk + length);
}

}  // namespace

std::vector<int64_t> chunk_starts(int64_t samples, const Chunks& chunks) {
  if (chunks.overlap < 0 || chunks.overlap >= chunks.length)
    throw_error("[chunk_starts] expected an overlap of 0 to {} samples, got {}", chunks.length - 1, chunks.overlap);
  if (samples <= chunks.length) return {0};
  const int64_t advance = chunks.length - chunks.overlap;
  const int64_t count = (samples - chunks.overlap + advance - 1) / advance;
  std::vector<int64_t> starts;
  for (int64_t i = 0; i < count; ++i) starts.push_back(i * (samples - chunks.length) / (count - 1));
  return starts;
}

Tensor separate_batch(const Separator& network, const Tensor& mixtures) {
  if (network.microphones() == 1) check_dim("separate_batch", "mixtures", mixtures, 2);
  else check_shape("separate_batch", "mixtures", mixtures, {-1, network.microphones(), -1});
  const NoGrad no_grad;
  const Tensor& parameters = network.parameters().values();
  const int64_t length = mixtures.size(-1), shortest = network.shortest_input();
  const Tensor input = (length < shortest ? padded(mixtures, shortest) : mixtures).cast(parameters.dtype());
  Tensor estimates = network.forward(input.to(parameters.stream())).value().to(cpu_device);
  if (!all_finite(estimates)) throw_not_finite(network, input);
  return length < shortest ? cut(estimates, length) : estimates;
}

std::vector<std::vector<float>> separate_signal(const Separator& network,
                                                const std::vector<std::vector<float>>& recording, const Chunks& chunks,
                                                const Progress& progress) {
  const auto microphones = static_cast<int64_t>(recording.size()), samples = static_cast<int64_t>(recording[0].size());
  const int64_t sources = network.sources(), length = std::min(samples, chunks.length);
  Signals signals(sources);
  for (std::vector<float>& signal : signals) signal.reserve(samples);
  for (const int64_t start : chunk_starts(samples, chunks)) {
    const Tensor part = Tensor::empty({1, microphones, length}, DType::float32);
    for (int64_t m = 0; m < microphones; ++m)
      std::copy_n(recording[m].begin() + start, length, part.mutable_data<float>() + m * length);
    const Tensor estimates =
        separate_batch(network, microphones == 1 ? part.reshape({1, length}) : part).cast(DType::float32);
    const float* values = estimates.data<float>();
    const int64_t overlap = static_cast<int64_t>(signals[0].size()) - start;
    const std::vector<int64_t> outputs = matching_outputs(signals, values, length, start, overlap);
    for (int64_t s = 0; s < sources; ++s) fade_in(signals[s], values + outputs[s] * length, length, start, overlap);
    if (progress) progress(start + length, samples);
  }
  return signals;
}

}  // namespace sunder
