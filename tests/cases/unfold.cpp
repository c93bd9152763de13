#include "tensor/ops/unfold.h"

#include <algorithm>

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

std::vector<Tensor> unfold_reference(const Tensor& x, const SlidingWindow& w) {
  const auto values = x.to_vector<double>();
  const int64_t steps = x.size(1), bins = x.size(2), channels = x.size(3), positions = w.positions();
  const int64_t windows_t = w.t.count(steps), windows_f = w.f.count(bins), width = channels * positions;
  return {generate({x.size(0), windows_t, windows_f, width}, [&](int64_t flat) {
    const int64_t column = flat % width, f = flat / width % windows_f, t = flat / width / windows_f % windows_t;
    const int64_t step = t * w.t.stride + column % positions / w.f.kernel - w.t.padding;
    const int64_t bin = f * w.f.stride + column % w.f.kernel - w.f.padding;
    if (step < 0 || step >= steps || bin < 0 || bin >= bins) return 0.0;
    const int64_t item = flat / width / windows_f / windows_t;
    return values[((item * steps + step) * bins + bin) * channels + column / positions];
  })};
}

// Scatters, where the op gathers.
std::vector<Tensor> fold_reference(const Tensor& y, int64_t steps, int64_t bins, const SlidingWindow& w) {
  const int64_t positions = w.positions(), channels = y.size(3) / positions;
  Tensor x = Tensor::zeros({y.size(0), steps, bins, channels}, DType::float64);
  const auto values = y.to_vector<double>();
  for (int64_t flat = 0; flat < y.numel(); ++flat) {
    const int64_t column = flat % y.size(3), window = flat / y.size(3), f = window % y.size(2);
    const int64_t t = window / y.size(2) % y.size(1), item = window / y.size(2) / y.size(1);
    const int64_t step = t * w.t.stride + column % positions / w.f.kernel - w.t.padding;
    const int64_t bin = f * w.f.stride + column % w.f.kernel - w.f.padding;
    if (step >= 0 && step < steps && bin >= 0 && bin < bins)
      x.mutable_data<double>()[((item * steps + step) * bins + bin) * channels + column / positions] += values[flat];
  }
  return {x};
}

Example with_bfloat16(Example example) {
  example.narrow = {Narrow::activation};
  example.bfloat16_bound = unfold_bfloat16_error;
  return example;
}

Example unfolded(const std::string& name, Shape x, const SlidingWindow& w) {
  return with_bfloat16({"unfold_" + name,
                        {random_tensor(x, 1)},
                        [=](const auto& in) { return std::vector{unfold(in[0], w)}; },
                        [=](const std::vector<Tensor>& in) { return unfold_reference(in[0], w); }});
}

Example folded(const std::string& name, Shape x, const SlidingWindow& w) {
  const Shape y{x[0], w.t.count(x[1]), w.f.count(x[2]), x[3] * w.positions()};
  return with_bfloat16({"fold_" + name,
                        {random_tensor(y, 1)},
                        [=](const auto& in) { return std::vector{fold(in[0], x[1], x[2], w)}; },
                        [=](const std::vector<Tensor>& in) { return fold_reference(in[0], x[1], x[2], w); }});
}

std::vector<Benchmark> benchmarks(int64_t batch) {
  using namespace paper;
  const int64_t items = std::max<int64_t>(1, batch / 8);
  const SlidingWindow square{{3, 1, 1}, {3, 1, 1}};
  Example apart = unfolded("", {items, frames, far_field_bins, 12}, square);
  Example together = folded("", {items, frames, far_field_bins, 4}, square);
  apart.name = "";
  together.name = "fold";
  return {benchmark(apart, 0), benchmark(together, 1)};
}

}  // namespace

Case unfold_case() {
  const SlidingWindow square{{3, 1, 1}, {3, 1, 1}}, along_f{{}, {4, 1, 0}}, along_t{{4, 2, 0}, {}},
      odd{{3, 2, 1}, {5, 3, 2}};
  Case result{"unfold", benchmarks, {}, {}};
  for (const auto& make : {unfolded, folded}) {
    result.examples.push_back(make("1x1x1x1", {1, 1, 1, 1}, {}));
    result.examples.push_back(make("2x5x6x3_3x3", {2, 5, 6, 3}, square));
    result.examples.push_back(make("1x1x1x2_3x3", {1, 1, 1, 2}, square));
    result.examples.push_back(make("2x3x9x2_kernel_4_along_f", {2, 3, 9, 2}, along_f));
    result.examples.push_back(make("1x9x3x2_kernel_4_stride_2_along_t", {1, 9, 3, 2}, along_t));
    result.examples.push_back(make("2x7x8x5_with_a_rest", {2, 7, 8, 5}, odd));
    result.examples.push_back(make("0x3x3x2_3x3", {0, 3, 3, 2}, square));
    result.examples.push_back(make("3x40x33x4_3x3", {3, 40, 33, 4}, square));
  }
  result.rejected = {{"[unfold] expected a window that fits F = 3, got kernel 4, stride 1 and padding 0",
                      [=] {
                        unfold(random_tensor({1, 2, 3, 2}, 1), along_f);
                      }},
                     {"[unfold] expected x with 4 axes",
                      [=] {
                        unfold(random_tensor({2, 3, 2}, 1), square);
                      }},
                     {"[fold] expected y of shape (-1, 2, 3, -1)",
                      [=] {
                        fold(random_tensor({1, 2, 2, 9}, 1), 2, 3, square);
                      }},
                     {"[fold] expected a multiple of 9 columns", [=] {
                        fold(random_tensor({1, 2, 3, 10}, 1), 2, 3, square);
                      }}};
  return result;
}

}  // namespace sunder::cases
