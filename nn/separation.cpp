#include "nn/separation.h"

#include <algorithm>
#include <cmath>

#include "autograd/ops.h"
#include "tensor/ops/slice_axis.h"

namespace sunder {
namespace {

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

}  // namespace

Tensor separate_batch(const Separator& network, const Tensor& mixtures) {
  if (network.microphones() == 1) check_dim("separate_batch", "mixtures", mixtures, 2);
  else check_shape("separate_batch", "mixtures", mixtures, {-1, network.microphones(), -1});
  const NoGrad no_grad;
  const Tensor& parameters = network.parameters().values();
  const int64_t length = mixtures.size(-1), shortest = network.shortest_input();
  const Tensor input = (length < shortest ? pad_axis(Variable(mixtures), -1, 0, shortest - length).value() : mixtures)
                           .cast(parameters.dtype());
  Tensor estimates = network.forward(input.to(parameters.stream())).value().to(cpu_device);
  if (!all_finite(estimates)) throw_not_finite(network, input);
  return length < shortest ? slice_axis(estimates, -1, 0, length) : estimates;
}

}  // namespace sunder
