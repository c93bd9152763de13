#include "tensor/ops/layer_norm.h"

#include <cmath>

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

std::vector<Tensor> reference(const std::vector<Tensor>& in, double eps) {
  const auto x = in[0].to_vector<double>(), gain = in[1].to_vector<double>(), bias = in[2].to_vector<double>();
  const int64_t channels = in[1].numel();
  return {generate(in[0].shape(), [&](int64_t i) {
    const double* row = x.data() + i / channels * channels;
    long double mean = 0, variance = 0;
    for (int64_t c = 0; c < channels; ++c) mean += row[c] / static_cast<long double>(channels);
    for (int64_t c = 0; c < channels; ++c) variance += (row[c] - mean) * (row[c] - mean) / channels;
    return static_cast<double>((x[i] - mean) / std::sqrt(variance + eps) * gain[i % channels] + bias[i % channels]);
  })};
}

Example example(const std::string& name, Shape shape, double eps = 1e-5, double offset = 0) {
  const int64_t channels = shape.back();
  return {name,
          {random_tensor(shape, 1, DType::float64, offset - 1, offset + 1), random_tensor({channels}, 2),
           random_tensor({channels}, 3)},
          [eps](const auto& in) { return std::vector{layer_norm(in[0], in[1], in[2], eps)}; },
          [eps](const std::vector<Tensor>& in) { return reference(in, eps); }};
}

// The definition in differentiable functions.
Example composed(const std::string& name, Shape shape, double eps) {
  Example result = example(name, shape, eps);
  result.reference = [eps](const std::vector<Tensor>& in) {
    const NoGrad no_grad;
    const Variable x(in[0]), gain(in[1]), bias(in[2]);
    const Variable centred = subtract(x, mean(x, {-1}, true));
    const Variable deviation = sqrt(add_scalar(mean(square(centred), {-1}, true), eps));
    return std::vector{add(multiply(divide(centred, deviation), gain), bias).value()};
  };
  return result;
}

std::vector<Benchmark> benchmarks(int64_t batch) {
  using namespace paper;
  return {benchmark(example("", {batch, frames, hidden}), norm_flops)};
}

}  // namespace

Case layer_norm_case() {
  Example offset = example("far_from_zero", {9, 64}, 1e-5, 100);
  offset.tolerance32 = 3e-5;  // float32 holds 100 to 4e-6, on a deviation of 0.6
  offset.tolerance64 = 1e-11;
  return {"layer_norm",
          benchmarks,
          {example("3x7x5", {3, 7, 5}), example("200x33", {200, 33}), example("1x2", {1, 2}, 1e-2),
           example("1x1", {1, 1}, 0.5), example("0x4", {0, 4}), composed("composed_4x6x8", {4, 6, 8}, 1e-3), offset},
          {{"[layer_norm] expected gain of shape (7), got float64 (5) on cpu",
            [] {
              layer_norm(random_tensor({2, 7}, 1), random_tensor({5}, 2), random_tensor({7}, 3), 1e-5);
            }},
           {"[layer_norm] expected bias of shape (7), got float64 (1) on cpu",
            [] {
              layer_norm(random_tensor({2, 7}, 1), random_tensor({7}, 2), random_tensor({1}, 3), 1e-5);
            }},
           {"[layer_norm] expected x of shape (..., C), got float64 (2, 0) on cpu", [] {
              layer_norm(random_tensor({2, 0}, 1), random_tensor({0}, 2), random_tensor({0}, 3), 1e-5);
            }}}};
}

}  // namespace sunder::cases
