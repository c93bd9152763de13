#include "tensor/ops/slice_axis.h"

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

template <class T>
std::vector<Tensor> reference(const Tensor& x, int axis, int64_t begin, int64_t end) {
  axis = (axis + x.dim()) % x.dim();
  int64_t inner = 1;
  for (int k = axis + 1; k < x.dim(); ++k) inner *= x.size(k);
  std::vector<T> result;
  for (int64_t flat = 0; flat < x.numel(); ++flat) {
    const int64_t index = flat / inner % x.size(axis);
    if (index >= begin && index < end) result.push_back(x.data<T>()[flat]);
  }
  Shape shape = x.shape();
  shape[axis] = end - begin;
  return {Tensor::from(result, shape)};
}

Example example(const std::string& name, Shape shape, int axis, int64_t begin, int64_t end,
                DType dtype = DType::float64) {
  return {name,
          {random_tensor(shape, 1, dtype)},
          [=](const auto& in) { return std::vector{slice_axis(in[0], axis, begin, end)}; },
          [=](const std::vector<Tensor>& in) {
            return is_complex(dtype) ? reference<complex128>(in[0], axis, begin, end)
                                     : reference<double>(in[0], axis, begin, end);
          }};
}

// The second function of the stem.
Example padded(const std::string& name, Shape shape, int axis, int64_t before, int64_t after) {
  return {"pad_" + name,
          {random_tensor(shape, 1)},
          [=](const auto& in) { return std::vector{pad_axis(in[0], axis, before, after)}; },
          [=](const std::vector<Tensor>& in) {
            const int positive = (axis + in[0].dim()) % in[0].dim();
            Shape larger = shape;
            larger[positive] += before + after;
            int64_t inner = 1;
            for (int k = positive + 1; k < in[0].dim(); ++k) inner *= shape[k];
            const auto values = in[0].to_vector<double>();
            return std::vector{generate(larger, [&](int64_t flat) {
              const int64_t index = flat / inner % larger[positive] - before, outer = flat / inner / larger[positive];
              if (index < 0 || index >= shape[positive]) return 0.0;
              return values[(outer * shape[positive] + index) * inner + flat % inner];
            })};
          }};
}

std::vector<Benchmark> benchmarks(int64_t batch) {
  using namespace paper;
  return {benchmark(example("", {batch, frames, hidden}, 2, 128, 384), 0)};
}

}  // namespace

Case slice_axis_case() {
  return {"slice_axis",
          benchmarks,
          {example("first", {6, 5}, 0, 2, 5), example("last", {6, 5}, -1, 1, 4), example("middle", {3, 7, 4}, 1, 3, 4),
           example("whole", {3, 5}, 1, 0, 5), example("nothing", {3, 5}, 1, 2, 2), example("1", {1}, 0, 0, 1),
           example("of_empty", {0, 5}, 1, 1, 3), example("of_empty_axis", {3, 0}, 1, 0, 0),
           example("400x120", {400, 120}, 1, 7, 93), example("complex", {3, 5, 2}, 1, 1, 3, DType::complex128),
           padded("middle", {3, 4, 2}, 1, 1, 2), padded("last", {3, 5}, -1, 0, 1), padded("nothing", {3, 5}, 0, 0, 0),
           padded("of_empty", {0, 3}, 1, 2, 0)},
          {{"[slice_axis] expected an axis of shape (2, 3), got -3",
            [] {
              slice_axis(random_tensor({2, 3}, 1), -3, 0, 1);
            }},
           {"[slice_axis] expected a range within [0, 3) of axis 1 of shape (2, 3), got [1, 4)",
            [] {
              slice_axis(random_tensor({2, 3}, 1), 1, 1, 4);
            }},
           {"got [-1, 2)",
            [] {
              slice_axis(random_tensor({2, 3}, 1), 1, -1, 2);
            }},
           {"got [2, 1)",
            [] {
              slice_axis(random_tensor({2, 3}, 1), 1, 2, 1);
            }},
           {"[slice_axis_backward] expected grad_y of shape (2, -1)", [] {
              slice_axis_backward(random_tensor({3, 1}, 1), {2, 3}, 1, 0);
            }}}};
}

}  // namespace sunder::cases
