#include "tensor/ops/linear.h"

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

std::vector<Tensor> reference(const std::vector<Tensor>& in) {
  const auto x = in[0].to_vector<double>(), w = in[1].to_vector<double>(), b = in[2].to_vector<double>();
  const int64_t n = in[1].size(0), k = in[1].size(1);
  Shape shape = in[0].shape();
  shape.back() = n;
  return {generate(shape, [&](int64_t i) {
    double sum = b[i % n];
    for (int64_t j = 0; j < k; ++j) sum += x[i / n * k + j] * w[i % n * k + j];
    return sum;
  })};
}

Example example(const std::string& name, Shape x, int64_t n) {
  const int64_t k = x.back();
  Example result{name,
                 {random_tensor(x, 1), random_tensor({n, k}, 2), random_tensor({n}, 3)},
                 [](const auto& in) { return std::vector{linear(in[0], in[1], in[2])}; },
                 reference};
  result.narrow = {Narrow::activation, Narrow::matrix, Narrow::parameter};
  result.bfloat16_bound = linear_bfloat16_error;
  result.tf32 = [](const auto& in) { return std::vector{linear(in[0], in[1], in[2], Tf32::on)}; };
  result.tf32_bound = linear_tf32_error;
  return result;
}

std::vector<Benchmark> benchmarks(int64_t batch) {
  using namespace paper;
  return {benchmark(example("in", {batch, frames, bottleneck}, hidden), 2 * hidden),
          benchmark(example("out", {batch, frames, hidden}, 2 * bottleneck), 2 * 2 * bottleneck)};
}

}  // namespace

Case linear_case() {
  return {"linear",
          benchmarks,
          {example("1x1", {1, 1}, 1), example("3x5x7_to_4", {3, 5, 7}, 4), example("0x3_to_2", {0, 3}, 2),
           example("300x33_to_65", {300, 33}, 65), example("261x128_to_96", {261, 128}, 96)},
          {{"[linear] expected x of shape (..., 5), got float64 (2, 4) on cpu",
            [] {
              linear(random_tensor({2, 4}, 1), random_tensor({3, 5}, 2), random_tensor({3}, 3));
            }},
           {"[linear] expected bias of shape (3)",
            [] {
              linear(random_tensor({2, 5}, 1), random_tensor({3, 5}, 2), random_tensor({5}, 3));
            }},
           {"[linear] expected float32 on a CUDA device for TF32, got float64 (2, 5) on cpu",
            [] {
              linear(random_tensor({2, 5}, 1), random_tensor({3, 5}, 2), random_tensor({3}, 3), Tf32::on);
            }},
           {"[linear] expected float32 or float64, got bfloat16", [] {
              linear(random_tensor({2, 5}, 1).cast(DType::bfloat16), random_tensor({3, 5}, 2).cast(DType::bfloat16),
                     random_tensor({3}, 3).cast(DType::float32));
            }}}};
}

}  // namespace sunder::cases
