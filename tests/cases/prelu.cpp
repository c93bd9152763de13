#include "tensor/ops/prelu.h"
#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

std::vector<Tensor> reference(const std::vector<Tensor>& in) {
  const auto x = in[0].to_vector<double>(), slope = in[1].to_vector<double>();
  return {generate(in[0].shape(), [&](int64_t i) {
    return x[i] > 0 ? x[i] : slope[slope.size() == 1 ? 0 : i % in[0].size(-1)] * x[i];
  })};
}

Example example(const std::string& name, Shape shape, int64_t slopes) {
  Example result{name,
                 {random_tensor(shape, 1), random_tensor({slopes}, 2)},
                 [](const auto& in) { return std::vector{prelu(in[0], in[1])}; },
                 reference};
  result.narrow = {Narrow::activation, Narrow::parameter};
  result.bfloat16_bound = prelu_bfloat16_error;
  return result;
}

std::vector<Benchmark> benchmarks(int64_t batch) {
  using namespace paper;
  return {benchmark(example("", {batch, frames, hidden}, 1), 2)};
}

}  // namespace

Case prelu_case() {
  return {"prelu",
          benchmarks,
          {example("3x5x7_shared", {3, 5, 7}, 1), example("3x5x7_per_channel", {3, 5, 7}, 7), example("1", {1}, 1),
           example("200x33_shared", {200, 33}, 1), example("0x4_shared", {0, 4}, 1)},
          {{"[prelu] expected slope of shape (1) or (7), got float64 (3)",
            [] {
              prelu(random_tensor({2, 7}, 1), random_tensor({3}, 2));
            }},
           {"[prelu] expected parameters of float64 on the stream of float64 (2, 7)", [] {
              prelu(random_tensor({2, 7}, 1), random_tensor({1}, 2).cast(DType::float32));
            }}}};
}

}  // namespace sunder::cases
