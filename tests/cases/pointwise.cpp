#include "tensor/ops/pointwise.h"

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

using Function = Variable (*)(const Variable&);

Example example(const std::string& name, Tensor x, Function function, double (*exact)(double)) {
  return {name,
          {x},
          [function](const auto& in) { return std::vector{function(in[0])}; },
          [exact](const std::vector<Tensor>& in) {
            const auto values = in[0].to_vector<double>();
            return std::vector{generate(in[0].shape(), [&](int64_t i) { return exact(values[i]); })};
          }};
}

// Away from the kinks of abs and relu by more than a finite difference reaches.
Tensor signed_values(Shape shape) {
  return generate(std::move(shape),
                  [](int64_t i) { return (i % 2 ? 1 : -1) * (0.1 + 0.13 * static_cast<double>(i % 17)); });
}

// Large arguments: sigmoid and tanh are flat there and must be neither NaN nor infinite.
Tensor extremes() { return Tensor::from(std::vector<double>{-800, -90, -30, 0, 30, 90, 800}, {7}); }

Example complex_example(const std::string& name, Function function, std::complex<double> factor) {
  return {name,
          {random_tensor({3, 5}, 1, DType::complex128)},
          [function](const auto& in) { return std::vector{function(in[0])}; },
          [factor](const std::vector<Tensor>& in) {
            auto values = in[0].to_vector<complex128>();
            for (complex128& value : values) value *= factor;
            return std::vector{Tensor::from(values, in[0].shape())};
          }};
}

std::vector<Benchmark> benchmarks(int64_t batch) {
  using namespace paper;
  const Tensor x = random_tensor({batch, frames, hidden}, 1);
  return {benchmark(example("square", x, square, {}), 1),
          benchmark(example("sigmoid", x, sigmoid, {}), activation_flops),
          benchmark(example("tanh", x, tanh, {}), activation_flops),
          benchmark(example("exp", x, exp, {}), activation_flops)};
}

}  // namespace

Case pointwise_case() {
  const Tensor any = signed_values({3, 5, 7}), positive = random_tensor({4, 9}, 1, DType::float64, 0.2, 3);
  return {"pointwise",
          benchmarks,
          {example("sigmoid_3x5x7", any, sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }),
           example("sigmoid_20001", signed_values({20001}), sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }),
           example("sigmoid_extremes", extremes(), sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }),
           example("tanh_3x5x7", any, tanh, [](double x) { return std::tanh(x); }),
           example("tanh_extremes", extremes(), tanh, [](double x) { return std::tanh(x); }),
           example("exp_3x5x7", any, exp, [](double x) { return std::exp(x); }),
           example("log_4x9", positive, log, [](double x) { return std::log(x); }),
           example("sqrt_4x9", positive, sqrt, [](double x) { return std::sqrt(x); }),
           example("square_3x5x7", any, square, [](double x) { return x * x; }),
           example("abs_3x5x7", any, abs, [](double x) { return std::fabs(x); }),
           example("relu_3x5x7", any, relu, [](double x) { return std::fmax(x, 0.0); }),
           example("reciprocal_4x9", positive, reciprocal, [](double x) { return 1 / x; }),
           example("negate_3x5x7", any, negate, [](double x) { return -x; }),
           example(
               "scale_3x5x7", any, [](const Variable& x) { return scale(x, 2.5); }, [](double x) { return 2.5 * x; }),
           example(
               "add_scalar_3x5x7", any, [](const Variable& x) { return add_scalar(x, 2.5); },
               [](double x) { return x + 2.5; }),
           example("square_1", signed_values({1}), square, [](double x) { return x * x; }),
           example("tanh_0x3", signed_values({0, 3}), tanh, [](double x) { return std::tanh(x); }),
           complex_example("negate_complex", negate, -1),
           complex_example(
               "scale_complex", [](const Variable& x) { return scale(x, -0.5); }, -0.5)},
          {{"[pointwise] expected float32 or float64, got int64 (2) on cpu",
            [] {
              sigmoid(integers({1, 2}, {2}));
            }},
           {"[pointwise] expected float32 or float64, got complex128 (2) on cpu",
            [] { abs(random_tensor({2}, 1, DType::complex128)); }},
           {"[pointwise] expected float32 or float64, got complex128",
            [] { add_scalar(random_tensor({2}, 1, DType::complex128), 1); }},
           {"[pointwise] expected float32 or float64 or a complex type, got int64", [] {
              negate(integers({1, 2}, {2}));
            }}}};
}

}  // namespace sunder::cases
