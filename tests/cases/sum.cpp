#include "tensor/ops/sum.h"

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

// Element by element, every one added to where its kept indices point, in long double.
template <class T>
Tensor by_index(const Tensor& x, std::vector<int> axes, bool keepdim) {
  std::vector<bool> summed(x.dim(), axes.empty());
  for (int axis : axes) summed[(axis + x.dim()) % x.dim()] = true;
  Shape shape;
  int64_t count = 1;
  for (int k = 0; k < x.dim(); ++k) {
    if (!summed[k]) count *= x.size(k);
    if (keepdim || !summed[k]) shape.push_back(summed[k] ? 1 : x.size(k));
  }
  std::vector<std::complex<long double>> totals(count);
  const auto values = x.to_vector<T>();
  for (int64_t flat = 0; flat < x.numel(); ++flat) {
    int64_t rest = flat, at = 0, step = 1;
    for (int k = x.dim() - 1; k >= 0; rest /= x.size(k--)) {
      if (summed[k]) continue;
      at += rest % x.size(k) * step;
      step *= x.size(k);
    }
    totals[at] += std::complex<long double>(values[flat]);
  }
  std::vector<T> result;
  for (const auto& total : totals) {
    if constexpr (std::is_same_v<T, double>) result.push_back(static_cast<double>(total.real()));
    else result.push_back(T(total));
  }
  return Tensor::from(result, shape);
}

Example example(const std::string& name, Shape shape, std::vector<int> axes, bool keepdim = false,
                DType dtype = DType::float64) {
  return {name,
          {random_tensor(shape, 1, dtype)},
          [=](const auto& in) { return std::vector{sum(in[0], axes, keepdim)}; },
          [=](const std::vector<Tensor>& in) {
            return std::vector{is_complex(dtype) ? by_index<complex128>(in[0], axes, keepdim)
                                                 : by_index<double>(in[0], axes, keepdim)};
          }};
}

Example mean_example(const std::string& name, Shape shape, std::vector<int> axes, double count) {
  return {name,
          {random_tensor(shape, 1)},
          [=](const auto& in) { return std::vector{mean(in[0], axes)}; },
          [=](const std::vector<Tensor>& in) {
            const Tensor total = by_index<double>(in[0], axes, false);
            for (int64_t i = 0; i < total.numel(); ++i) total.mutable_data<double>()[i] /= count;
            return std::vector{total};
          }};
}

std::vector<Benchmark> benchmarks(int64_t batch) {
  using namespace paper;
  const Shape shape{batch, frames, hidden};
  return {benchmark(example("all", shape, {}), 1), benchmark(example("rows", shape, {0, 1}), 1),
          benchmark(example("channels", shape, {2}), 1)};
}

}  // namespace

Case sum_case() {
  const DType cplx = DType::complex128;
  return {"sum",
          benchmarks,
          {example("all_3x5x7", {3, 5, 7}, {}),
           example("all_100003", {100003}, {}),
           example("all_1", {1}, {}),
           example("all_0", {0}, {}),
           example("scalar", {}, {}),
           example("first", {6, 5}, {0}),
           example("last", {6, 45}, {-1}),
           example("last_40x2000", {40, 2000}, {1}),
           example("first_2000x40", {2000, 40}, {0}),
           example("first_5x1500", {5, 1500}, {0}),
           example("first_30000x3", {30000, 3}, {0}),
           example("middle", {3, 50, 7}, {1}, true),
           example("middle_2x900x33", {2, 900, 33}, {1}),
           example("outer_and_inner", {3, 5, 7}, {0, 2}),
           example("alternating", {2, 3, 4, 5, 6}, {0, 2, -1}, true),
           example("no_rows", {0, 4}, {0}),
           example("no_columns", {4, 0}, {1}),
           example("nothing_left", {4, 0}, {0}),
           example("last_of_4", {50, 30, 4}, {1}),
           example("complex_last", {4, 40}, {1}, false, cplx),
           example("complex_first", {90, 5}, {0}, true, cplx),
           example("complex_all", {20000}, {}, false, cplx),
           mean_example("mean_all", {3, 5}, {}, 15),
           mean_example("mean_last", {3, 5, 7}, {-1}, 7),
           mean_example("mean_two", {3, 5, 7}, {0, 1}, 15)},
          {{"[sum] expected an axis of float64 (2, 3) on cpu, got 2",
            [] {
              sum(random_tensor({2, 3}, 1), {2});
            }},
           {"[sum] expected every axis once, got -1 twice",
            [] {
              sum(random_tensor({2, 3}, 1), {1, -1});
            }},
           {"[sum] expected a floating type, got int64",
            [] {
              sum(integers({1, 2}, {2}));
            }},
           {"[sum_to] expected a shape that stretches to (2, 3), got (2)", [] {
              sum_to(random_tensor({2, 3}, 1), {2});
            }}}};
}

}  // namespace sunder::cases
