#include "tensor/ops/prelu_norm_linear.h"

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

// The composed definition; its three parts have references of their own.
std::vector<Tensor> composed(const std::vector<Tensor>& in) {
  const Variable normed = global_norm(prelu(Variable(in[0]), Variable(in[1])), Variable(in[2]), Variable(in[3]));
  return {linear(normed, Variable(in[4]), Variable(in[5])).value()};
}

Example example(const std::string& name, Shape x, int64_t n, double slope) {
  const int64_t c = x[2];
  const auto with = [](Tf32 tf32) {
    return [tf32](const auto& in) {
      return std::vector{prelu_norm_linear(in[0], in[1], in[2], in[3], in[4], in[5], tf32)};
    };
  };
  Example result{name,
                 {random_tensor(x, 1), Tensor::full({1}, slope, DType::float64), random_tensor({c}, 2),
                  random_tensor({c}, 3), random_tensor({n, c}, 4), random_tensor({n}, 5)},
                 with(Tf32::off),
                 composed};
  result.narrow = {Narrow::activation, Narrow::parameter, Narrow::parameter,
                   Narrow::parameter,  Narrow::matrix,    Narrow::parameter};
  result.bfloat16_bound = prelu_norm_linear_bfloat16_error;
  result.tf32 = with(Tf32::on);
  result.tf32_bound = prelu_norm_linear_tf32_error;
  return result;
}

std::vector<Benchmark> benchmarks(int64_t batch) {
  using namespace paper;
  return {benchmark(example("", {batch, frames, hidden}, 2 * bottleneck, 0.25), 2 * 2 * bottleneck + norm_flops)};
}

}  // namespace

Case prelu_norm_linear_case() {
  // Two numbers whose mean is several times their deviation: the norm stretches what rounded them. In TF32 operands are
  // cut off, all to one side, and 4.3 units come out.
  Example two = example("1x1x2_to_1", {1, 1, 2}, 1, 0.25);
  two.bfloat16_bound *= 8;
  two.tf32_bound *= 3;
  return {"prelu_norm_linear",
          benchmarks,
          {example("2x9x5_to_4", {2, 9, 5}, 4, 0.25), example("2x9x5_negative_slope", {2, 9, 5}, 3, -0.3), two,
           example("3x131x17_to_6", {3, 131, 17}, 6, 0.25), example("2x67x136_to_72", {2, 67, 136}, 72, 0.25),
           example("0x3x2_to_2", {0, 3, 2}, 2, 0.25)},
          {{"[prelu_norm_linear] expected weight of shape (-1, 2)", [] {
              prelu_norm_linear({random_tensor({1, 4, 2}, 1), random_tensor({1}, 1), random_tensor({2}, 1),
                                 random_tensor({2}, 1), random_tensor({2, 3}, 1), random_tensor({2}, 1)});
            }}}};
}

}  // namespace sunder::cases
