#include "tensor/ops/item_std.h"

#include <cmath>

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

// Two passes in long double, the mean first.
std::vector<Tensor> reference(const std::vector<Tensor>& in) {
  const auto x = in[0].to_vector<double>();
  const int64_t items = in[0].size(0), length = in[0].numel() / std::max<int64_t>(items, 1);
  return {generate({items}, [&](int64_t b) {
    long double mean = 0, squares = 0;
    for (int64_t i = 0; i < length; ++i) mean += x[b * length + i];
    mean /= length;
    for (int64_t i = 0; i < length; ++i) squares += (x[b * length + i] - mean) * (x[b * length + i] - mean);
    return squares > 0 ? static_cast<double>(std::sqrt(squares / (length - 1))) : 1.0;
  })};
}

Example example(const std::string& name, Tensor x) {
  return {name,
          {std::move(x)},
          [](const auto& in) { return std::vector{Variable(item_std(in[0].value()))}; },
          reference,
          {},
          /*check_grad=*/false,
          1e-12,
          item_std_error};
}

std::vector<Benchmark> benchmarks(int64_t) {
  using namespace paper;
  return {benchmark(example("", random_tensor({far_field_items, microphones, 4 * samples}, 1)), 3)};
}

}  // namespace

Case item_std_case() {
  return {"item_std",
          benchmarks,
          {example("3x2x5", random_tensor({3, 2, 5}, 1)), example("1x2", random_tensor({1, 2}, 2)),
           example("2x40001", random_tensor({2, 40001}, 3)), example("5x3x4096", random_tensor({5, 3, 4096}, 4)),
           example("constant", Tensor::full({2, 8}, 0.5, DType::float64)), example("0x4", random_tensor({0, 4}, 5)),
           example("with_offset", random_tensor({2, 3000}, 6, DType::float64, 1, 1.5))},
          {{"[item_std] expected float32 or float64 items", [] { item_std(random_tensor({2}, 1, DType::complex128)); }},
           {"of at least two elements, got float64 (3, 1)", [] {
              item_std(random_tensor({3, 1}, 1));
            }}}};
}

}  // namespace sunder::cases
