#include "tensor/ops/concat.h"

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

// Every element of the result is looked up by its index along the axis.
template <class T>
std::vector<Tensor> reference(const std::vector<Tensor>& in, int axis) {
  axis = (axis + in[0].dim()) % in[0].dim();
  Shape shape = in[0].shape();
  shape[axis] = 0;
  for (const Tensor& part : in) shape[axis] += part.size(axis);
  int64_t inner = 1;
  for (size_t k = axis + 1; k < shape.size(); ++k) inner *= shape[k];
  std::vector<T> result;
  for (int64_t flat = 0; flat < numel(shape); ++flat) {
    int64_t index = flat / inner % shape[axis];
    size_t part = 0;
    while (index >= in[part].size(axis)) index -= in[part++].size(axis);
    const int64_t outer = flat / inner / shape[axis];
    result.push_back(in[part].data<T>()[(outer * in[part].size(axis) + index) * inner + flat % inner]);
  }
  return {Tensor::from(result, shape)};
}

Example example(const std::string& name, const std::vector<Shape>& shapes, int axis, DType dtype = DType::float64) {
  std::vector<Tensor> parts;
  for (size_t k = 0; k < shapes.size(); ++k) parts.push_back(random_tensor(shapes[k], k, dtype));
  return {name, parts, [axis](const auto& in) { return std::vector{concat(in, axis)}; },
          [axis, dtype](const std::vector<Tensor>& in) {
            return is_complex(dtype) ? reference<complex128>(in, axis) : reference<double>(in, axis);
          }};
}

std::vector<Benchmark> benchmarks(int64_t batch) {
  using namespace paper;
  return {benchmark(example("", {{batch, frames, bottleneck}, {batch, frames, bottleneck}}, 2), 0)};
}

}  // namespace

Case concat_case() {
  return {"concat",
          benchmarks,
          {example("one", {{3, 5}}, 1), example("first", {{3, 5}, {1, 5}, {4, 5}}, 0),
           example("last", {{3, 5}, {3, 1}, {3, 6}}, -1), example("middle", {{2, 3, 4}, {2, 5, 4}}, 1),
           example("with_an_empty_part", {{3, 2}, {3, 0}, {3, 4}}, 1), example("all_empty", {{0, 2}, {0, 4}}, 1),
           example("1", {{1}, {1}}, 0), example("300x130", {{300, 65}, {300, 65}}, 1),
           example("complex", {{3, 2}, {3, 3}}, 1, DType::complex128)},
          {{"[concat] expected at least one tensor", [] { concat(std::vector<Tensor>{}, 0); }},
           {"[concat] expected an axis of float64 (2, 3) on cpu, got 2",
            [] {
              concat({random_tensor({2, 3}, 1)}, 2);
            }},
           {"[concat] expected part of shape (2, -1)",
            [] {
              concat({random_tensor({2, 3}, 1), random_tensor({3, 3}, 2)}, 1);
            }},
           {"[concat] expected tensors of one dtype", [] {
              concat({random_tensor({2, 3}, 1), random_tensor({2, 3}, 2).cast(DType::float32)}, 1);
            }}}};
}

}  // namespace sunder::cases
