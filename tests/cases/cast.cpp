#include "tensor/ops/cast.h"

#include <cmath>

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

// To the other precision and back: what is left of a number is its rounding to float32.
Example example(const std::string& name, Shape shape, DType dtype) {
  return {name,
          {random_tensor(shape, 1, dtype)},
          [](const auto& in) {
            const Tensor& x = in[0].value();
            const bool single = real_of(x.dtype()) == DType::float32;
            const DType other = is_complex(x.dtype()) ? (single ? DType::complex128 : DType::complex64)
                                                      : (single ? DType::float64 : DType::float32);
            return std::vector{Variable(x.cast(other).cast(x.dtype()))};
          },
          [](const std::vector<Tensor>& in) {
            Tensor rounded = in[0].clone();
            auto* values = reinterpret_cast<double*>(rounded.raw());
            for (int64_t i = 0; i < rounded.numel() * (is_complex(rounded.dtype()) ? 2 : 1); ++i)
              values[i] = static_cast<float>(values[i]);
            return std::vector{rounded};
          },
          {},
          /*check_grad=*/false,
          /*tolerance64=*/0,
          /*tolerance32=*/1e-7};
}

// To bfloat16 and back: the nearest of 256 numbers between two powers of two, of two equally near ones the even.
Example narrow_example(const std::string& name, Tensor x) {
  return {name,
          {std::move(x)},
          [](const auto& in) {
            const Tensor& values = in[0].value();
            return std::vector{Variable(values.cast(DType::bfloat16).cast(values.dtype()))};
          },
          [](const std::vector<Tensor>& in) {
            Tensor rounded = in[0].clone();
            for (int64_t i = 0; i < rounded.numel(); ++i) {
              double& value = rounded.mutable_data<double>()[i];
              int exponent = 0;
              const double fraction = std::frexp(static_cast<float>(value), &exponent);
              value = std::ldexp(std::nearbyint(fraction * 256), exponent - 8);
            }
            return std::vector{rounded};
          },
          {},
          /*check_grad=*/false,
          /*tolerance64=*/0,
          /*tolerance32=*/0};
}

// With a gradient: to float64 and back, which changes no number.
Example differentiable(const std::string& name, Shape shape) {
  return {name,
          {random_tensor(shape, 1)},
          [](const auto& in) { return std::vector{cast(cast(in[0], DType::float64), in[0].value().dtype())}; },
          [](const std::vector<Tensor>& in) { return in; }};
}

std::vector<Benchmark> benchmarks(int64_t batch) {
  using namespace paper;
  return {benchmark({"",
                     {random_tensor({batch, frames, hidden}, 1)},
                     [](const auto& in) { return std::vector{Variable(in[0].value().cast(DType::float64))}; },
                     {},
                     {},
                     /*check_grad=*/false},
                    0)};
}

}  // namespace

Case cast_case() {
  return {"cast",
          benchmarks,
          {example("1", {1}, DType::float64), example("0", {0}, DType::float64), example("3x7", {3, 7}, DType::float64),
           example("40001", {40001}, DType::float64), example("5x3_complex", {5, 3}, DType::complex128),
           differentiable("gradient_3x7", {3, 7}),
           narrow_example("bfloat16_4013", random_tensor({4013}, 1, DType::float64, -3, 3)),
           narrow_example("bfloat16_ties",
                          generate({64}, [](int64_t i) { return 1 + std::ldexp(static_cast<double>(i), -8); }))},
          {{"[cast] expected two precisions of real or of complex numbers",
            [] { random_tensor({2}, 1).cast(DType::complex64); }},
           {"[cast] expected two precisions of real or of complex numbers", [] {
              integers({1, 2}, {2}).cast(DType::float32);
            }}}};
}

}  // namespace sunder::cases
