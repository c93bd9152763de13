#include "tensor/ops/conv_block.h"

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

// Only with a slope of 1, which is without a kink, also in lower precision: at one, the gradients of an element whose
// sign is lost in rounding jump.
struct Sizes {
  Shape x;
  int64_t hidden, skips, kernel = 3, dilation = 1;
  double slope = 0.25;
  bool residual = true, has_skip = true;
  int only = -1;  // the one output there is; -1: all
};

ConvBlock<Variable> block_of(const std::vector<Variable>& in) {
  return {in[0], in[1], in[2], in[3],  in[4],  in[5],  in[6],
          in[7], in[8], in[9], in[10], in[11], in[12], in.size() > 13 ? in[13] : Variable()};
}

// The composed definition; its parts have references of their own.
std::vector<Tensor> composed(const std::vector<Tensor>& inputs, const Sizes& sizes) {
  const ConvBlock<Variable> in = block_of({inputs.begin(), inputs.end()});
  const Variable hidden = prelu(linear(in.x, in.in_weight, in.in_bias), in.in_slope);
  const Variable mixed =
      depthwise_conv1d(global_norm(hidden, in.in_gain, in.in_shift), in.conv_weight, in.conv_bias, sizes.dilation);
  const Variable normed = global_norm(prelu(mixed, in.conv_slope), in.conv_gain, in.conv_shift);
  const Variable both = linear(normed, in.out_weight, in.out_bias);
  const int64_t split = sizes.residual ? sizes.x[2] : 0;
  const Variable path = slice_axis(both, 2, split, both.size(2));
  const Variable skip_sum = in.skip.defined() ? add(in.skip, path) : path;
  if (!sizes.residual || sizes.only == 1) return {skip_sum.value()};
  const Variable next = add(in.x, slice_axis(both, 2, 0, split));
  if (sizes.only == 0) return {next.value()};
  return {next.value(), skip_sum.value()};
}

Example example(const std::string& name, const Sizes& sizes) {
  const int64_t c = sizes.x[2], h = sizes.hidden, n = sizes.skips + (sizes.residual ? c : 0);
  const Tensor slope = Tensor::full({1}, sizes.slope, DType::float64);
  Example result{
      name,
      {random_tensor(sizes.x, 1), random_tensor({h, c}, 2), random_tensor({h}, 3), slope, random_tensor({h}, 4),
       random_tensor({h}, 5), random_tensor({h, 1, sizes.kernel}, 6), random_tensor({h}, 7), slope,
       random_tensor({h}, 8), random_tensor({h}, 9), random_tensor({n, h}, 10), random_tensor({n}, 11)},
      {},
      [sizes](const auto& in) { return composed(in, sizes); }};
  if (sizes.has_skip) result.inputs.push_back(random_tensor({sizes.x[0], sizes.x[1], sizes.skips}, 12));
  const auto with = [&](Tf32 tf32) {
    return [options = ConvBlockOptions{sizes.dilation, sizes.residual, tf32}, only = sizes.only](const auto& in) {
      const std::vector<Variable> outputs = conv_block(block_of(in), options);
      return only < 0 ? outputs : std::vector{outputs[only]};
    };
  };
  result.function = with(Tf32::off);
  if (sizes.slope != 1) return result;
  result.narrow.assign(result.inputs.size(), Narrow::parameter);
  result.narrow[0] = Narrow::activation;
  result.narrow[1] = result.narrow[11] = Narrow::matrix;
  if (sizes.has_skip) result.narrow[13] = Narrow::activation;
  result.bfloat16_bound = conv_block_bfloat16_error;
  result.tf32 = with(Tf32::on);
  result.tf32_bound = conv_block_tf32_error;
  return result;
}

// C = 2, H = 3.
ConvBlock<Tensor> small(int64_t rows, int64_t skips, int64_t taps = 3) {
  const Tensor x = random_tensor({1, 4, 2}, 1), in_weight = random_tensor({3, 2}, 2), one = random_tensor({1}, 3);
  const Tensor row = random_tensor({3}, 4), conv_weight = random_tensor({3, 1, taps}, 5);
  const Tensor out_weight = random_tensor({rows, 3}, 6), out_bias = random_tensor({rows}, 7);
  return {x,   in_weight, row, one, row,        row,      conv_weight,
          row, one,       row, row, out_weight, out_bias, random_tensor({1, 4, skips}, 8)};
}

std::vector<Benchmark> benchmarks(int64_t batch) {
  using namespace paper;
  constexpr double products = 3 * 2 * hidden, rest = 6 + 2 * norm_flops;
  return {benchmark(example("", {{batch, frames, bottleneck}, hidden, bottleneck, 3, 4}),
                    products + rest * hidden / bottleneck)};
}

}  // namespace

Case conv_block_case() {
  return {
      "conv_block",
      benchmarks,
      {example("2x9x4_h6_d2", {{2, 9, 4}, 6, 4, 3, 2}),
       example("2x9x4_first_block", {.x = {2, 9, 4}, .hidden = 6, .skips = 4, .slope = 1, .has_skip = false}),
       example("2x9x4_last_block", {.x = {2, 9, 4}, .hidden = 6, .skips = 5, .slope = 1, .residual = false}),
       example("1x9x3_only_block", {.x = {1, 9, 3}, .hidden = 5, .skips = 2, .residual = false, .has_skip = false}),
       example("1x11x3_k5", {{1, 11, 3}, 5, 2, 5, 2}), example("2x9x5_negative_slope", {{2, 9, 5}, 4, 3, 3, 1, -0.3}),
       example("3x131x4_h17_d8", {{3, 131, 4}, 17, 3, 3, 8}), example("2x67x8_h136_d4", {{2, 67, 8}, 136, 12, 3, 4, 1}),
       example("1x300x3_h5_d128", {{1, 300, 3}, 5, 3, 3, 128}), example("1x70x3_h5_d128", {{1, 70, 3}, 5, 3, 3, 128}),
       example("1x9x4_h8_skips_132", {{1, 9, 4}, 8, 132, 3, 1, 1}),
       example("1x9x4_next_alone", {.x = {1, 9, 4}, .hidden = 5, .skips = 3, .only = 0}),
       example("1x9x4_skip_sum_alone", {.x = {1, 9, 4}, .hidden = 5, .skips = 3, .only = 1}),
       example("0x3x2", {{0, 3, 2}, 3, 2})},
      {{"[conv_block] expected out_weight with at least 2 rows", [] { conv_block(small(1, 0), {}); }},
       {"[conv_block] expected skip of shape (1, 4, 3)", [] { conv_block(small(5, 2), {}); }},
       {"[conv_block] expected conv_weight with an odd number of taps", [] { conv_block(small(5, 3, 2), {}); }},
       {"[conv_block] expected a dilation of at least 1", [] { conv_block(small(5, 3), {0}); }}}};
}

}  // namespace sunder::cases
