#include "tensor/ops/accumulate.h"

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

// The engine's own addition: exercised through a variable that is used twice.
Example example(const std::string& name, Shape shape, DType dtype) {
  Example result{name,
                 {random_tensor(shape, 1, dtype), random_tensor(shape, 2, dtype)},
                 [](const auto& in) {
                   Tensor sum = in[0].value().clone();
                   accumulate(sum, in[1].value());
                   return std::vector{Variable(sum)};
                 },
                 [](const std::vector<Tensor>& in) {
                   Tensor sum = in[0].clone();
                   const int64_t reals = sum.numel() * (is_complex(sum.dtype()) ? 2 : 1);
                   for (int64_t i = 0; i < reals; ++i)
                     reinterpret_cast<double*>(sum.raw())[i] += reinterpret_cast<double*>(in[1].raw())[i];
                   return std::vector{sum};
                 },
                 {},
                 /*check_grad=*/false};
  if (!is_complex(dtype)) result.narrow = {Narrow::activation, Narrow::activation};
  result.bfloat16_bound = accumulate_bfloat16_error;
  return result;
}

std::vector<Benchmark> benchmarks(int64_t batch) {
  using namespace paper;
  return {benchmark({"",
                     {random_tensor({batch, frames, hidden}, 1), random_tensor({batch, frames, hidden}, 2)},
                     [](const auto& in) {
                       Tensor total = in[0].value();
                       accumulate(total, in[1].value());
                       return std::vector{in[0]};
                     },
                     {},
                     {},
                     /*check_grad=*/false},
                    1)};
}

}  // namespace

Case accumulate_case() {
  return {"accumulate",
          benchmarks,
          {example("1", {1}, DType::float64), example("3x7", {3, 7}, DType::float64),
           example("100001", {100001}, DType::float64), example("5x3_complex", {5, 3}, DType::complex128),
           example("0", {0}, DType::float64)},
          {{"[accumulate] expected term of shape (2)", [] {
              Tensor sum = random_tensor({2}, 1);
              accumulate(sum, random_tensor({3}, 1));
            }}}};
}

}  // namespace sunder::cases
