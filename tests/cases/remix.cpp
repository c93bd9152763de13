#include "tensor/ops/remix.h"

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

std::vector<Tensor> reference(const std::vector<Tensor>& in) {
  const int64_t sources = in[1].size(1), length = in[0].size(1);
  const auto signals = in[0].to_vector<double>();
  const auto order = in[1].to_vector<int64_t>();
  const auto target = [&](int64_t row, int64_t i) { return signals[order[row] * length + i]; };
  return {generate({in[1].size(0), sources, length}, [&](int64_t i) { return target(i / length, i % length); }),
          generate({in[1].size(0), length}, [&](int64_t i) {
            double sum = 0;
            for (int64_t s = 0; s < sources; ++s) sum += target(i / length * sources + s, i % length);
            return sum;
          })};
}

Example example(const std::string& name, Shape signals, const std::vector<int64_t>& order, Shape shape) {
  return {name,
          {random_tensor(std::move(signals), 1), integers(order, std::move(shape))},
          [](const auto& in) {
            const Remixed result = remix(in[0].value(), in[1].value());
            return std::vector{Variable(result.targets), Variable(result.mixtures)};
          },
          reference,
          {},
          /*check_grad=*/false};
}

std::vector<Benchmark> benchmarks(int64_t batch) {
  using namespace paper;
  std::vector<int64_t> order(batch * sources);
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int64_t>(i ^ 1);
  return {benchmark(example("", {batch * sources, samples}, order, {batch, sources}), 1)};
}

}  // namespace

Case remix_case() {
  return {"remix",
          benchmarks,
          {example("4x7_pairs", {4, 7}, {2, 1, 0, 3}, {2, 2}), example("5x9001_three", {5, 9001}, {4, 0, 2}, {1, 3}),
           example("1x1_twice", {1, 1}, {0, 0}, {1, 2}), example("3x4_one", {3, 4}, {2, 0, 1}, {3, 1}),
           example("3x0", {3, 0}, {2, 0}, {1, 2}), example("3x4_no_items", {3, 4}, {}, {0, 2})},
          {{"[remix] expected indices from 0 to 2, got 3",
            [] {
              remix(random_tensor({3, 4}, 1), integers({0, 3}, {1, 2}));
            }},
           {"[remix] expected indices from 0 to 2, got -1",
            [] {
              remix(random_tensor({3, 4}, 1), integers({-1, 0}, {1, 2}));
            }},
           {"[remix] expected signals with 2 axes",
            [] {
              remix(random_tensor({3, 2, 4}, 1), integers({0, 1}, {1, 2}));
            }},
           {"[remix] expected order (B, S) of int64", [] {
              remix(random_tensor({3, 4}, 1), random_tensor({1, 2}, 1));
            }}}};
}

}  // namespace sunder::cases
