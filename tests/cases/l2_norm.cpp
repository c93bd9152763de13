#include "tensor/ops/l2_norm.h"

#include <cmath>

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

Example example(const std::string& name, Shape shape) {
  return {name,
          {random_tensor(shape, 1)},
          [](const auto& in) { return std::vector{Variable(l2_norm(in[0].value()))}; },
          [](const std::vector<Tensor>& in) {
            long double sum = 0;
            for (double x : in[0].to_vector<double>()) sum += static_cast<long double>(x) * x;
            return std::vector{Tensor::full({1}, std::sqrt(static_cast<double>(sum)), DType::float64)};
          },
          {},
          /*check_grad=*/false,
          1e-12,
          1e-6};
}

std::vector<Benchmark> benchmarks(int64_t) {
  using namespace paper;
  return {benchmark(example("", {network_parameters}), 2)};
}

}  // namespace

Case l2_norm_case() {
  return {"l2_norm",
          benchmarks,
          {example("1", {1}), example("0", {0}), example("3x5", {3, 5}), example("100003", {100003})},
          {{"[l2_norm] expected float32 or float64", [] { l2_norm(random_tensor({2}, 1, DType::complex128)); }}}};
}

}  // namespace sunder::cases
