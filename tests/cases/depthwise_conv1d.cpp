#include "tensor/ops/depthwise_conv1d.h"

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

std::vector<Tensor> reference(const std::vector<Tensor>& in, int64_t dilation) {
  const auto x = in[0].to_vector<double>(), w = in[1].to_vector<double>(), b = in[2].to_vector<double>();
  const int64_t frames = in[0].size(1), channels = in[0].size(2), kernel = in[1].size(2);
  return {generate(in[0].shape(), [&](int64_t i) {
    const int64_t c = i % channels, t = i / channels % frames, item = i / channels / frames;
    double sum = b[c];
    for (int64_t k = 0; k < kernel; ++k) {
      const int64_t from = t + (k - (kernel - 1) / 2) * dilation;
      if (from >= 0 && from < frames) sum += w[c * kernel + k] * x[(item * frames + from) * channels + c];
    }
    return sum;
  })};
}

Example example(const std::string& name, Shape x, int64_t kernel, int64_t dilation) {
  Example result{name,
                 {random_tensor(x, 1), random_tensor({x[2], 1, kernel}, 2), random_tensor({x[2]}, 3)},
                 [=](const auto& in) { return std::vector{depthwise_conv1d(in[0], in[1], in[2], dilation)}; },
                 [=](const auto& in) { return reference(in, dilation); }};
  result.narrow = {Narrow::activation, Narrow::parameter, Narrow::parameter};
  result.bfloat16_bound = depthwise_conv1d_bfloat16_error;
  return result;
}

std::vector<Benchmark> benchmarks(int64_t batch) {
  using namespace paper;
  return {benchmark(example("", {batch, frames, hidden}, 3, 4), 6)};
}

}  // namespace

Case depthwise_conv1d_case() {
  return {"depthwise_conv1d",
          benchmarks,
          {example("1x1x1_k3", {1, 1, 1}, 3, 1), example("2x9x5_k3_d2", {2, 9, 5}, 3, 2),
           example("2x5x3_k3_d8_wider_than_signal", {2, 5, 3}, 3, 8), example("1x70x4_k5_d4", {1, 70, 4}, 5, 4),
           example("2x6x3_k1", {2, 6, 3}, 1, 1), example("0x4x2_k3", {0, 4, 2}, 3, 1)},
          {{"[depthwise_conv1d] expected a kernel of odd length, got 4",
            [] {
              depthwise_conv1d(random_tensor({1, 4, 2}, 1), random_tensor({2, 1, 4}, 2), random_tensor({2}, 3), 1);
            }},
           {"[depthwise_conv1d] expected a dilation of at least 1, got 0",
            [] {
              depthwise_conv1d(random_tensor({1, 4, 2}, 1), random_tensor({2, 1, 3}, 2), random_tensor({2}, 3), 0);
            }},
           {"[depthwise_conv1d] expected weight of shape (2, 1, -1)", [] {
              depthwise_conv1d(random_tensor({1, 4, 2}, 1), random_tensor({3, 1, 3}, 2), random_tensor({2}, 3), 1);
            }}}};
}

}  // namespace sunder::cases
