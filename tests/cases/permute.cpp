#include "tensor/ops/permute.h"

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

template <class T>
std::vector<Tensor> reference(const Tensor& x, const std::vector<int>& axes) {
  const int dim = x.dim();
  Shape shape;
  for (int axis : axes) shape.push_back(x.size(axis));
  std::vector<T> result(x.numel());
  for (int64_t flat = 0; flat < x.numel(); ++flat) {
    Shape index(dim);
    int64_t rest = flat;
    for (int k = dim - 1; k >= 0; rest /= x.size(k--)) index[k] = rest % x.size(k);
    int64_t at = 0;
    for (int k = 0; k < dim; ++k) at = at * shape[k] + index[(axes[k] + dim) % dim];
    result[at] = x.data<T>()[flat];
  }
  return {Tensor::from(result, shape)};
}

Example example(const std::string& name, Shape shape, const std::vector<int>& axes, DType dtype = DType::float64) {
  Example result{name,
                 {random_tensor(shape, 1, dtype)},
                 [axes](const auto& in) { return std::vector{permute(in[0], axes)}; },
                 [axes, dtype](const std::vector<Tensor>& in) {
                   return is_complex(dtype) ? reference<complex128>(in[0], axes) : reference<double>(in[0], axes);
                 }};
  if (!is_complex(dtype)) result.narrow = {Narrow::activation};
  return result;
}

// The second function of the stem.
Example reshaped(const std::string& name, Shape from, Shape to) {
  return {"reshape_" + name,
          {random_tensor(from, 1)},
          [to](const auto& in) { return std::vector{reshape(in[0], to)}; },
          [to](const std::vector<Tensor>& in) {
            return std::vector{Tensor::from(in[0].to_vector<double>(), in[0].reshape(to).shape())};
          }};
}

std::vector<Benchmark> benchmarks(int64_t batch) {
  using namespace paper;
  return {benchmark(example("", {batch, frames, hidden}, {0, 2, 1}), 0)};
}

}  // namespace

Case permute_case() {
  return {"permute",
          benchmarks,
          {example("transpose_3x5", {3, 5}, {1, 0}), example("transpose_70x101", {70, 101}, {1, 0}),
           example("same", {3, 5, 7}, {0, 1, 2}), example("rows_kept", {3, 5, 7}, {1, 0, 2}),
           example("BTFC_to_BCTF", {2, 5, 6, 3}, {0, 3, 1, 2}), example("BCTF_to_BTFC", {2, 40, 3, 5}, {0, 2, 3, 1}),
           example("reversed", {2, 3, 4, 5}, {3, 2, 1, 0}), example("negative", {2, 3, 4}, {-1, 0, -2}),
           example("with_ones", {1, 3, 1, 4}, {3, 2, 1, 0}), example("1", {1, 1}, {1, 0}), example("scalar", {}, {}),
           example("0x3", {0, 3}, {1, 0}), example("six_axes", {2, 3, 2, 3, 2, 2}, {4, 1, 5, 0, 3, 2}),
           example("complex_33x20", {33, 20}, {1, 0}, DType::complex128), reshaped("2x6_to_3x4", {2, 6}, {3, 4}),
           reshaped("2x6_to_2x3x2", {2, 6}, {2, -1, 2})},
          {{"[permute] expected every axis of float64 (2, 3) on cpu once, got (0, 0)",
            [] {
              permute(random_tensor({2, 3}, 1), {0, 0});
            }},
           {"[permute] expected every axis of float64 (2, 3) on cpu once, got (1)",
            [] {
              permute(random_tensor({2, 3}, 1), {1});
            }},
           {"[permute] expected every axis of float64 (2, 3) on cpu once, got (0, 2)", [] {
              permute(random_tensor({2, 3}, 1), {0, 2});
            }}}};
}

}  // namespace sunder::cases
