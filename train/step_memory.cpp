#include "train/step_memory.h"

#include "tensor/memory_forecast.h"
#include "tensor/ops/slice_axis.h"

namespace sunder {
namespace {

std::vector<Tensor> cut(const std::vector<Tensor>& inputs, int64_t samples, int64_t length, Stream stream) {
  std::vector<Tensor> result;
  for (const Tensor& input : inputs) {
    const bool signal = is_real(input.dtype()) && input.dim() > 0 && input.size(-1) == samples;
    result.push_back((signal ? slice_axis(input, -1, 0, length) : input).to(stream));
  }
  return result;
}

}  // namespace

std::optional<size_t> predict_step_memory(const Parameters& parameters, const std::vector<Tensor>& inputs,
                                          int64_t samples, int64_t shortest, const StepTask::Loss& loss) {
  const Stream stream = parameters.values().stream();
  const Tensor one = Tensor::full({}, 1, parameters.gradients().dtype(), stream);
  const auto bytes = forecast_memory(samples, shortest, stream, [&](int64_t length) {
    // The full step cannot reuse blocks of these sizes.
    release_cached_memory(stream.device);
    parameters.zero_grad();
    return [part = cut(inputs, samples, length, stream), &one, &loss] { backward(loss(part), one); };
  });
  parameters.zero_grad();
  release_cached_memory(stream.device);
  reset_peak_memory(stream.device);
  return bytes;
}

}  // namespace sunder
