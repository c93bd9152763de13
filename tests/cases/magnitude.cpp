#include "tensor/ops/magnitude.h"

#include <cmath>

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

std::vector<Tensor> reference(const std::vector<Tensor>& in) {
  const auto z = in[0].to_vector<complex128>();
  return {generate(in[0].shape(), [&](int64_t i) { return std::hypot(z[i].real(), z[i].imag()); })};
}

Example example(const std::string& name, Tensor z) {
  return {name, {std::move(z)}, [](const auto& in) { return std::vector{magnitude(in[0])}; }, reference};
}

// What the gradient is at 0, where no finite difference exists: 0, beside another element's.
Example gradient_at_zero() {
  const auto gradient = [](const auto& in) {
    return std::vector{Variable(magnitude_backward(magnitude(in[0].value()), in[0].value()))};
  };
  Example result{
      "gradient_at_zero", {Tensor::from(std::vector<complex128>{0, {3, -4}}, {2})}, gradient, [](const auto& in) {
        return std::vector{in[0]};
      }};
  result.check_grad = false;
  return result;
}

std::vector<Benchmark> benchmarks(int64_t batch) {
  using namespace paper;
  return {benchmark(example("", random_tensor({batch, frames, bins}, 1, DType::complex128)), 4)};
}

}  // namespace

Case magnitude_case() {
  return {"magnitude",
          benchmarks,
          {example("3x5x7", random_tensor({3, 5, 7}, 1, DType::complex128)),
           example("1", random_tensor({1}, 1, DType::complex128)),
           example("two_chunks", random_tensor({20001}, 1, DType::complex128)),
           example("0x3", random_tensor({0, 3}, 1, DType::complex128)), gradient_at_zero()},
          {{"[magnitude] expected a complex tensor, got float64 (3)", [] { magnitude(random_tensor({3}, 1)); }},
           {"[magnitude_backward] expected grad_y of z's precision", [] {
              magnitude_backward(random_tensor({3}, 1).cast(DType::float32), random_tensor({3}, 1, DType::complex128));
            }}}};
}

}  // namespace sunder::cases
