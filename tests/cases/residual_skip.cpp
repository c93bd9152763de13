#include "tensor/ops/residual_skip.h"

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

std::vector<Tensor> reference(const std::vector<Tensor>& in) {
  const auto x = in[0].to_vector<double>(), both = in.back().to_vector<double>();
  const bool has_skip = in.size() == 3;
  const auto skip = has_skip ? in[1].to_vector<double>() : std::vector<double>();
  const int64_t channels = in[0].size(2), width = in.back().size(2), skips = width - channels;
  return {generate(in[0].shape(), [&](int64_t i) { return x[i] + both[i / channels * width + i % channels]; }),
          generate({in[0].size(0), in[0].size(1), skips}, [&](int64_t i) {
            return (has_skip ? skip[i] : 0) + both[i / skips * width + channels + i % skips];
          })};
}

Example example(const std::string& name, Shape x, int64_t skips, bool has_skip) {
  Example result{name, {random_tensor(x, 1)}, {}, reference};
  if (has_skip) result.inputs.push_back(random_tensor({x[0], x[1], skips}, 2));
  result.inputs.push_back(random_tensor({x[0], x[1], x[2] + skips}, 3));
  result.function = [has_skip](const auto& in) {
    return residual_skip(in[0], has_skip ? in[1] : Variable(), in.back());
  };
  result.narrow.assign(result.inputs.size(), Narrow::activation);
  result.bfloat16_bound = residual_skip_bfloat16_error;
  return result;
}

std::vector<Benchmark> benchmarks(int64_t batch) {
  using namespace paper;
  return {benchmark(example("", {batch, frames, bottleneck}, bottleneck, true), 2)};
}

}  // namespace

Case residual_skip_case() {
  return {"residual_skip",
          benchmarks,
          {example("2x3x4", {2, 3, 4}, 4, true), example("2x3x4_first_block", {2, 3, 4}, 4, false),
           example("1x70x5_skip_3", {1, 70, 5}, 3, true), example("2x9x24", {2, 9, 24}, 16, true),
           example("1x1x1", {1, 1, 1}, 1, true)},
          {{"[residual_skip] expected both with at least 4 channels",
            [] {
              residual_skip(random_tensor({1, 2, 4}, 1), Tensor(), random_tensor({1, 2, 3}, 2));
            }},
           {"[residual_skip] expected skip of shape (1, 2, 2)", [] {
              residual_skip(random_tensor({1, 2, 4}, 1), random_tensor({1, 2, 3}, 2), random_tensor({1, 2, 6}, 2));
            }}}};
}

}  // namespace sunder::cases
