#include "tensor/ops/binary.h"

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

// NumPy's rule, index by index and without any merging of axes.
template <class T, class F>
Tensor by_index(const Tensor& a, const Tensor& b, F&& f) {
  const auto x = a.to_vector<T>(), y = b.to_vector<T>();
  Shape shape(std::max(a.dim(), b.dim()));
  const auto size = [&](const Tensor& t, int axis) {
    const int own = axis - static_cast<int>(shape.size()) + t.dim();
    return own < 0 ? 1 : t.shape()[own];
  };
  const int axes = static_cast<int>(shape.size());
  for (int k = 0; k < axes; ++k) shape[k] = size(a, k) == 1 ? size(b, k) : size(a, k);
  std::vector<T> values(numel(shape));
  for (int64_t flat = 0; flat < numel(shape); ++flat) {
    int64_t rest = flat, at_a = 0, at_b = 0, step_a = 1, step_b = 1;
    for (int k = axes - 1; k >= 0; rest /= shape[k--]) {
      at_a += rest % shape[k] % size(a, k) * step_a;
      at_b += rest % shape[k] % size(b, k) * step_b;
      step_a *= size(a, k);
      step_b *= size(b, k);
    }
    values[flat] = f(x[at_a], y[at_b]);
  }
  return Tensor::from(values, shape);
}

using Function = Variable (*)(const Variable&, const Variable&);
enum class Operation { add, subtract, multiply, divide };

template <class T>
T exact(Operation operation, T a, T b) {
  switch (operation) {
    case Operation::add:
      return a + b;
    case Operation::subtract:
      return a - b;
    case Operation::multiply:
      return a * b;
    default:
      return a / b;
  }
}

// Operands of magnitude 0.3 to 1.5 in both parts: nothing is near a division by zero.
Tensor operand(Shape shape, uint64_t which, DType dtype) {
  Tensor result = random_tensor(std::move(shape), which, dtype, 0.3, 1.5);
  auto* values = reinterpret_cast<double*>(result.raw());
  for (int64_t i = 0; i < result.numel() * (is_complex(dtype) ? 2 : 1); i += 3) values[i] = -values[i];
  return result;
}

Example example(const std::string& name, Operation operation, Shape a, Shape b, DType dtype = DType::float64) {
  constexpr Function functions[] = {add, subtract, multiply, divide};
  const Function function = functions[static_cast<int>(operation)];
  Example result{
      name,
      {operand(a, 1, dtype), operand(b, 2, dtype)},
      [function](const auto& in) { return std::vector{function(in[0], in[1])}; },
      [operation](const std::vector<Tensor>& in) {
        if (is_complex(in[0].dtype()))
          return std::vector{
              by_index<complex128>(in[0], in[1], [&](auto x, auto y) { return exact(operation, x, y); })};
        return std::vector{by_index<double>(in[0], in[1], [&](auto x, auto y) { return exact(operation, x, y); })};
      }};
  if (operation == Operation::add && a == b && !is_complex(dtype))  // what a network does in it
    result.narrow = {Narrow::activation, Narrow::activation};
  result.bfloat16_bound = binary_bfloat16_error;
  return result;
}

Example stretched(const std::string& name, Shape from, Shape to) {
  return {name,
          {random_tensor(from, 1)},
          [to](const auto& in) { return std::vector{broadcast_to(in[0], to)}; },
          [to](const std::vector<Tensor>& in) {
            return std::vector{
                by_index<double>(in[0], Tensor::zeros(to, DType::float64), [](double x, double y) { return x + y; })};
          }};
}

std::vector<Benchmark> benchmarks(int64_t batch) {
  using namespace paper;
  const Shape shape{batch, frames, hidden}, spectra{batch, frames, bins};
  return {benchmark(example("add", Operation::add, shape, shape), 1),
          benchmark(example("multiply_rows", Operation::multiply, shape, {hidden}), 1),
          benchmark(example("multiply_complex", Operation::multiply, spectra, spectra, DType::complex128), 6)};
}

}  // namespace

Case binary_case() {
  using enum Operation;
  return {"binary",
          benchmarks,
          {example("add_3x5x7", add, {3, 5, 7}, {3, 5, 7}),
           example("add_rows", add, {3, 5, 7}, {7}),
           example("add_scalar_tensor", add, {3, 5}, {}),
           example("add_both_stretch", add, {4, 1, 3}, {5, 1}),
           example("add_40000", add, {40000}, {40000}),
           example("add_500x70_rows", add, {500, 70}, {70}),
           example("add_0x4", add, {0, 4}, {4}),
           example("add_1", add, {1}, {1}),
           example("subtract_columns", subtract, {3, 5, 7}, {3, 5, 1}),
           example("subtract_left", subtract, {7}, {2, 7}),
           example("subtract_700x50_columns", subtract, {700, 50}, {700, 1}),
           example("multiply_3x5x7", multiply, {3, 5, 7}, {3, 5, 7}),
           example("multiply_middle", multiply, {3, 1, 7}, {3, 5, 1}),
           example("multiply_five_axes", multiply, {2, 1, 3, 1, 2}, {1, 4, 1, 5, 2}),
           example("divide_rows", divide, {6, 5}, {5}),
           example("divide_by_scalar_tensor", divide, {3, 5}, {1}),
           example("divide_columns", divide, {6, 1}, {6, 5}),
           example("add_complex", add, {3, 5}, {5}, DType::complex128),
           example("subtract_complex", subtract, {3, 1}, {3, 5}, DType::complex128),
           example("multiply_complex", multiply, {3, 5}, {3, 5}, DType::complex128),
           example("multiply_complex_rows", multiply, {4, 3, 5}, {3, 1}, DType::complex128),
           example("divide_complex", divide, {3, 5}, {3, 5}, DType::complex128),
           example("divide_complex_rows", divide, {5}, {3, 5}, DType::complex128),
           stretched("broadcast_to_rows", {5}, {3, 2, 5}),
           stretched("broadcast_to_columns", {3, 1}, {3, 50}),
           stretched("broadcast_to_all", {}, {3, 5}),
           stretched("broadcast_to_same", {3, 5}, {3, 5}),
           stretched("broadcast_to_middle", {2, 1, 3, 1}, {2, 4, 3, 5})},
          {{"[add] expected shapes that broadcast, got (2, 3) and (2)",
            [] {
              sunder::add(random_tensor({2, 3}, 1), random_tensor({2}, 2));
            }},
           {"[multiply] expected tensors of one dtype",
            [] { sunder::multiply(random_tensor({2}, 1), random_tensor({2}, 2).cast(DType::float32)); }},
           {"[binary] expected a floating type, got int64",
            [] {
              sunder::add(integers({1, 2}, {2}), integers({1, 2}, {2}));
            }},
           {"[broadcast_to] expected x that stretches to (3), got float64 (2, 3) on cpu",
            [] {
              broadcast_to(random_tensor({2, 3}, 1), {3});
            }},
           {"axes that stretch differently", [] {
              sunder::add(random_tensor({2, 1, 2, 1, 2, 1, 2, 1, 2, 1}, 1),
                          random_tensor({1, 2, 1, 2, 1, 2, 1, 2, 1, 2}, 2));
            }}}};
}

}  // namespace sunder::cases
