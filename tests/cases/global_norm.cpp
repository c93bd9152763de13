#include "tensor/ops/global_norm.h"

#include <cmath>

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

// Two passes in long double, as the formula stands.
std::vector<Tensor> reference(const std::vector<Tensor>& in) {
  const auto x = in[0].to_vector<double>(), gain = in[1].to_vector<double>(), bias = in[2].to_vector<double>();
  const int64_t channels = in[0].size(2), per_item = in[0].size(1) * channels;
  return {generate(in[0].shape(), [&](int64_t i) {
    const double* item = &x[i / per_item * per_item];
    long double mean = 0, variance = 0;
    for (int64_t j = 0; j < per_item; ++j) mean += item[j];
    mean /= per_item;
    for (int64_t j = 0; j < per_item; ++j) variance += (item[j] - mean) * (item[j] - mean);
    variance /= per_item;
    return static_cast<double>((x[i] - mean) / std::sqrt(variance + 1e-8L)) * gain[i % channels] + bias[i % channels];
  })};
}

Example example(const std::string& name, Shape shape, double low = -1, double high = 2) {
  Example result{
      name,
      {random_tensor(shape, 1, DType::float64, low, high), random_tensor({shape[2]}, 2), random_tensor({shape[2]}, 3)},
      [](const auto& in) { return std::vector{global_norm(in[0], in[1], in[2])}; },
      reference};
  result.narrow = {Narrow::activation, Narrow::parameter, Narrow::parameter};
  result.bfloat16_bound = global_norm_bfloat16_error;
  return result;
}

std::vector<Benchmark> benchmarks(int64_t batch) {
  using namespace paper;
  return {benchmark(example("", {batch, frames, hidden}), norm_flops)};
}

}  // namespace

Case global_norm_case() {
  Example quiet = example("2x3x5_eps_matters", {2, 3, 5}, -1e-4, 1e-4);
  quiet.tolerance32 = 1e-4;  // float32 inputs of 1e-4 differ from the float64 ones by their rounding, times 1/sqrt(eps)
  quiet.grad_tolerance = 1e-5;  // a step of 1e-6 is 1 % of such an input: the finite difference is not better
  // One element is its own mean: what is left is rounding, times 1 / sqrt(eps) = 1e4.
  Example single = example("1x1x1", {1, 1, 1});
  single.tolerance64 = 1e-11;
  single.tolerance32 = 1e-3;
  single.grad_tolerance = 1e-6;
  return {"global_norm",
          benchmarks,
          {single, example("2x3x5", {2, 3, 5}), example("3x1x4", {3, 1, 4}), example("2x130x9", {2, 130, 9}),
           example("2x67x136", {2, 67, 136}), example("0x2x3", {0, 2, 3}), quiet},
          {{"[global_norm] expected gain of shape (5)",
            [] {
              global_norm(random_tensor({2, 3, 5}, 1), random_tensor({4}, 2), random_tensor({5}, 3));
            }},
           {"[global_norm] expected x with 3 axes", [] {
              global_norm(random_tensor({3, 5}, 1), random_tensor({5}, 2), random_tensor({5}, 3));
            }}}};
}

}  // namespace sunder::cases
