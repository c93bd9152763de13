#include "tensor/ops/softmax.h"

#include <cmath>

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

// Without taking the maximum away: long double holds e^11000.
std::vector<Tensor> reference(const std::vector<Tensor>& in) {
  const auto x = in[0].to_vector<double>();
  const int64_t columns = in[0].size(-1);
  return {generate(in[0].shape(), [&](int64_t i) {
    long double total = 0;
    for (int64_t c = 0; c < columns; ++c) total += std::exp(static_cast<long double>(x[i / columns * columns + c]));
    return static_cast<double>(std::exp(static_cast<long double>(x[i])) / total);
  })};
}

Example example(const std::string& name, Shape shape, double range) {
  return {name,
          {random_tensor(shape, 1, DType::float64, -range, range)},
          [](const auto& in) { return std::vector{softmax(in[0])}; },
          reference};
}

std::vector<Benchmark> benchmarks(int64_t batch) {
  using namespace paper;
  return {benchmark(example("", {4 * batch, frames, frames}, 2), activation_flops)};
}

}  // namespace

Case softmax_case() {
  Example large = example("large_scores", {5, 9}, 1000);
  large.tolerance32 = 1e-3;  // a score of 1000 is held to 3e-5 in float32
  return {"softmax",
          benchmarks,
          {example("3x5x7", {3, 5, 7}, 2), example("200x101", {200, 101}, 5), example("1x1", {1, 1}, 1),
           example("4x1", {4, 1}, 1), example("0x4", {0, 4}, 1), example("4x0", {4, 0}, 1), large},
          {{"[softmax] expected x of shape (..., C), got float64 () on cpu", [] { softmax(random_tensor({}, 1)); }},
           {"[softmax] expected float32 or float64, got complex128",
            [] { softmax(random_tensor({2}, 1, DType::complex128)); }}}};
}

}  // namespace sunder::cases
