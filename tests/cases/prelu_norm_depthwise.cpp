#include "tensor/ops/prelu_norm_depthwise.h"

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

// The composed definition; its three parts have references of their own.
std::vector<Tensor> composed(const std::vector<Tensor>& in, int64_t dilation) {
  const Variable normed = global_norm(prelu(Variable(in[0]), Variable(in[1])), Variable(in[2]), Variable(in[3]));
  return {depthwise_conv1d(normed, Variable(in[4]), Variable(in[5]), dilation).value()};
}

Example example(const std::string& name, Shape x, int64_t kernel, int64_t dilation, double slope) {
  const int64_t c = x[2];
  Example result{name,
                 {random_tensor(x, 1), Tensor::full({1}, slope, DType::float64), random_tensor({c}, 2),
                  random_tensor({c}, 3), random_tensor({c, 1, kernel}, 4), random_tensor({c}, 5)},
                 [=](const auto& in) {
                   return std::vector{prelu_norm_depthwise(in[0], in[1], in[2], in[3], in[4], in[5], dilation)};
                 },
                 [=](const auto& in) { return composed(in, dilation); }};
  result.narrow = {Narrow::activation, Narrow::parameter, Narrow::parameter,
                   Narrow::parameter,  Narrow::parameter, Narrow::parameter};
  result.bfloat16_bound = prelu_norm_depthwise_bfloat16_error;
  return result;
}

std::vector<Benchmark> benchmarks(int64_t batch) {
  using namespace paper;
  return {benchmark(example("", {batch, frames, hidden}, 3, 4, 0.25), 6 + norm_flops)};
}

}  // namespace

Case prelu_norm_depthwise_case() {
  return {"prelu_norm_depthwise",
          benchmarks,
          {example("2x9x5_d2", {2, 9, 5}, 3, 2, 0.25), example("2x9x5_negative_slope", {2, 9, 5}, 3, 1, -0.3),
           example("1x1x2", {1, 1, 2}, 3, 1, 0.25), example("2x131x17_d8", {2, 131, 17}, 3, 8, 0.25),
           example("2x67x136_d4", {2, 67, 136}, 3, 4, 0.25), example("1x40x12_k5", {1, 40, 12}, 5, 2, 0.25),
           example("1x7x3_k5", {1, 7, 3}, 5, 2, 0.25), example("0x3x2", {0, 3, 2}, 3, 1, 0.25)},
          {{"[prelu_norm_depthwise] expected slope of shape (1)", [] {
              prelu_norm_depthwise({random_tensor({1, 4, 2}, 1), random_tensor({2}, 1), random_tensor({2}, 1),
                                    random_tensor({2}, 1), random_tensor({2, 1, 3}, 1), random_tensor({2}, 1)},
                                   1);
            }}}};
}

}  // namespace sunder::cases
