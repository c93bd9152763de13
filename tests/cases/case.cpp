#include "tests/cases/case.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sunder::cases {
namespace {

std::vector<double> reals(const Tensor& tensor) {
  if (tensor.dtype() == DType::int64) {
    const auto values = tensor.to_vector<int64_t>();
    return {values.begin(), values.end()};
  }
  const Tensor wide = tensor.to(cpu_device).cast(is_complex(tensor.dtype()) ? DType::complex128 : DType::float64);
  const auto* values = reinterpret_cast<const double*>(wide.raw());
  return {values, values + wide.numel() * (is_complex(wide.dtype()) ? 2 : 1)};
}

}  // namespace

std::vector<bool> Example::with_gradient() const {
  if (!check_grad) return std::vector<bool>(inputs.size(), false);
  if (!wanted_grads.empty()) return wanted_grads;
  std::vector<bool> result;
  for (const Tensor& input : inputs) result.push_back(input.dtype() != DType::int64);
  return result;
}

Benchmark benchmark(Example example, double flops) {
  flops *= static_cast<double>(example.inputs[0].numel());
  return {std::move(example), flops};
}

Tensor in_float32(const Tensor& input) {
  if (input.dtype() == DType::int64) return input;
  return input.cast(is_complex(input.dtype()) ? DType::complex64 : DType::float32);
}

Tensor random_tensor(Shape shape, uint64_t which, DType dtype, double low, double high) {
  Tensor result = Tensor::empty(std::move(shape), dtype);
  Random random(1, RandomUse::test, 0, which);
  auto* values = reinterpret_cast<double*>(result.raw());
  for (int64_t i = 0; i < result.numel() * (is_complex(dtype) ? 2 : 1); ++i) values[i] = random.uniform(low, high);
  return result;
}

Tensor integers(const std::vector<int64_t>& values, Shape shape) { return Tensor::from(values, std::move(shape)); }

Tensor generate(Shape shape, const std::function<double(int64_t)>& value) {
  Tensor result = Tensor::empty(std::move(shape), DType::float64);
  for (int64_t i = 0; i < result.numel(); ++i) result.mutable_data<double>()[i] = value(i);
  return result;
}

double max_difference(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape()) return std::numeric_limits<double>::infinity();
  const auto x = reals(a), y = reals(b);
  double largest = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double difference = std::abs(x[i] - y[i]);
    if (std::isnan(difference)) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, difference);
  }
  return largest;
}

double max_abs(const Tensor& a) {
  double largest = 0;
  for (double value : reals(a)) largest = std::max(largest, std::abs(value));
  return largest;
}

}  // namespace sunder::cases
