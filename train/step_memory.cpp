#include "train/step_memory.h"

#include <array>
#include <cmath>

#include "tensor/memory.h"
#include "tensor/ops/slice_axis.h"

namespace sunder {
namespace {

// Networks pad frames to even numbers or whole strides: what differs from the full length by multiples of this is
// padded alike.
constexpr int64_t granule = 1024;  // samples

std::vector<Tensor> cut(const std::vector<Tensor>& inputs, int64_t samples, int64_t length, Stream stream) {
  std::vector<Tensor> result;
  for (const Tensor& input : inputs) {
    const bool signal = is_real(input.dtype()) && input.dim() > 0 && input.size(-1) == samples;
    result.push_back((signal ? slice_axis(input, -1, 0, length) : input).to(stream));
  }
  return result;
}

// The value at x of the parabola through three points.
double extrapolate(const std::array<double, 3>& at, const std::array<double, 3>& values, double x) {
  double result = 0;
  for (int i = 0; i < 3; ++i) {
    double weight = 1;
    for (int j = 0; j < 3; ++j)
      if (j != i) weight *= (x - at[j]) / (at[i] - at[j]);
    result += weight * values[i];
  }
  return result;
}

}  // namespace

std::optional<size_t> predict_step_memory(const Parameters& parameters, const std::vector<Tensor>& inputs,
                                          int64_t samples, int64_t shortest, const StepRunner::Loss& loss) {
  const Stream stream = parameters.values().stream();
  const Tensor one = Tensor::full({}, 1, parameters.gradients().dtype(), stream);
  std::array<double, 3> lengths{}, peaks{};
  for (int i = 0; i < 3; ++i) {
    const int64_t length = samples - (samples - (i + 1) * samples / 6 + granule - 1) / granule * granule;
    if (length < shortest || length < 1) return std::nullopt;
    lengths[i] = static_cast<double>(length);
    const std::vector<Tensor> there = cut(inputs, samples, length, stream);
    parameters.zero_grad();
    const size_t before = memory_stats(stream.device).bytes_in_use;
    reset_peak_memory(stream.device);
    backward(loss(there), one);
    peaks[i] = static_cast<double>(memory_stats(stream.device).bytes_peak - before);
  }
  parameters.zero_grad();
  reset_peak_memory(stream.device);
  const double peak = extrapolate(lengths, peaks, static_cast<double>(samples));
  return memory_stats(stream.device).bytes_in_use + static_cast<size_t>(std::max(0.0, peak));
}

}  // namespace sunder
