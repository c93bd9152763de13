#include "tensor/ops/head_norm.h"

#include <algorithm>

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

// The composed definition: PReLU by channel, heads apart, a layer norm without gain, then gain and bias.
std::vector<Tensor> composed(const std::vector<Tensor>& in, double eps) {
  const Tensor &x = in[0], &slope = in[1], &gain = in[2];
  const int64_t heads = slope.size(0), channels = gain.size(1), bins = x.size(2), vector = bins * channels;
  const Variable slopes =
      reshape(broadcast_to(reshape(Variable(slope), {heads, 1}), {heads, channels}), {heads * channels});
  const Variable apart =
      permute(reshape(prelu(Variable(x), slopes), {x.size(0), x.size(1), bins, heads, channels}), {0, 3, 1, 2, 4});
  const Variable rows = reshape(apart, {x.size(0), heads, x.size(1), vector});
  const Variable normed = layer_norm(rows, Variable(Tensor::full({vector}, 1, DType::float64)),
                                     Variable(Tensor::zeros({vector}, DType::float64)), eps);
  const auto by_head = [&](const Tensor& p) { return reshape(permute(Variable(p), {0, 2, 1}), {heads, 1, vector}); };
  return {add(multiply(normed, by_head(gain)), by_head(in[3])).value()};
}

Example example(const std::string& name, Shape x, int64_t heads, double eps = 1e-5) {
  const int64_t channels = x[3] / heads, bins = x[2];
  Example result{name,
                 {random_tensor(x, 1), random_tensor({heads}, 2), random_tensor({heads, channels, bins}, 3),
                  random_tensor({heads, channels, bins}, 4)},
                 [=](const auto& in) { return std::vector{head_norm(in[0], in[1], in[2], in[3], eps)}; },
                 [=](const std::vector<Tensor>& in) { return composed(in, eps); }};
  result.narrow = {Narrow::activation, Narrow::parameter, Narrow::parameter, Narrow::parameter};
  result.bfloat16_bound = head_norm_bfloat16_error;
  return result;
}

std::vector<Benchmark> benchmarks(int64_t batch) {
  using namespace paper;
  return {benchmark(example("", {std::max<int64_t>(1, batch / 8), frames, far_field_bins, 96}, 4), norm_flops + 2)};
}

}  // namespace

Case head_norm_case() {
  const auto parameter = [](Shape shape) { return random_tensor(std::move(shape), 1); };
  return {"head_norm",
          benchmarks,
          {example("1x1x3x2_one_head", {1, 1, 3, 2}, 1), example("2x3x5x6_two_heads", {2, 3, 5, 6}, 2),
           example("2x9x7x12_four_heads", {2, 9, 7, 12}, 4), example("1x37x33x5_one_head", {1, 37, 33, 5}, 1),
           example("1x3x129x8_eps", {1, 3, 129, 8}, 2, 0.1), example("0x3x2x4", {0, 3, 2, 4}, 2),
           example("3x2x4x3_a_channel_a_head", {3, 2, 4, 3}, 3)},
          {{"[head_norm] expected x of shape (B, T, F, 2 C), got float64 (1, 2, 3, 5) on cpu",
            [=] {
              head_norm(parameter({1, 2, 3, 5}), parameter({2}), parameter({2, 2, 3}), parameter({2, 2, 3}));
            }},
           {"[head_norm] expected gain of shape (2, 2, 3)",
            [=] {
              head_norm(parameter({1, 2, 3, 4}), parameter({2}), parameter({2, 3, 2}), parameter({2, 2, 3}));
            }},
           {"[head_norm] expected bias of shape (2, 2, 3)", [=] {
              head_norm(parameter({1, 2, 3, 4}), parameter({2}), parameter({2, 2, 3}), parameter({2, 2}));
            }}}};
}

}  // namespace sunder::cases
