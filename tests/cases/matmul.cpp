#include "tensor/ops/matmul.h"

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

std::vector<Tensor> reference(const std::vector<Tensor>& in, bool ta, bool tb) {
  const auto a = in[0].to_vector<double>(), b = in[1].to_vector<double>();
  const int64_t m = in[0].size(ta ? -1 : -2), k = in[0].size(ta ? -2 : -1), n = in[1].size(tb ? -2 : -1);
  Shape shape = in[in[0].dim() > 2 ? 0 : 1].shape();
  shape.end()[-2] = m;
  shape.end()[-1] = n;
  return {generate(shape, [&](int64_t flat) {
    const int64_t item = flat / (m * n), row = flat / n % m, column = flat % n;
    const double* x = a.data() + (in[0].dim() > 2 ? item * m * k : 0);
    const double* y = b.data() + (in[1].dim() > 2 ? item * k * n : 0);
    double sum = 0;
    for (int64_t j = 0; j < k; ++j)
      sum += (ta ? x[j * m + row] : x[row * k + j]) * (tb ? y[column * k + j] : y[j * n + column]);
    return sum;
  })};
}

Example example(const std::string& name, Shape a, Shape b, bool ta = false, bool tb = false) {
  Example result{name,
                 {random_tensor(a, 1), random_tensor(b, 2)},
                 [=](const auto& in) { return std::vector{matmul(in[0], in[1], ta, tb)}; },
                 [=](const std::vector<Tensor>& in) { return reference(in, ta, tb); }};
  result.tf32 = [=](const auto& in) { return std::vector{matmul(in[0], in[1], ta, tb, Tf32::on)}; };
  result.tf32_bound = matmul_tf32_error;
  if (a.size() == b.size() || (b.size() == 2 && !ta)) {
    result.narrow = {Narrow::activation, Narrow::activation};
    result.bfloat16_bound = matmul_bfloat16_error;
  }
  return result;
}

std::vector<Benchmark> benchmarks(int64_t batch) {
  using namespace paper;
  return {benchmark(example("", {batch, frames, bottleneck}, {bottleneck, hidden}), 2 * hidden),
          benchmark(example("attention", {4 * batch, frames, 64}, {4 * batch, frames, 64}, false, true), 2 * frames)};
}

}  // namespace

Case matmul_case() {
  return {"matmul",
          benchmarks,
          {example("4x3_by_3x5", {4, 3}, {3, 5}),
           example("4x3_by_3x5_at", {3, 4}, {3, 5}, true),
           example("4x3_by_3x5_bt", {4, 3}, {5, 3}, false, true),
           example("4x3_by_3x5_atbt", {3, 4}, {5, 3}, true, true),
           example("1x1", {1, 1}, {1, 1}),
           example("batch", {2, 3, 4, 5}, {2, 3, 5, 6}),
           example("batch_at", {6, 5, 4}, {6, 5, 3}, true),
           example("batch_bt", {6, 4, 5}, {6, 3, 5}, false, true),
           example("batch_atbt", {6, 5, 4}, {6, 3, 5}, true, true),
           example("shared_b", {3, 4, 5}, {5, 6}),
           example("shared_b_at", {3, 5, 4}, {5, 6}, true),
           example("shared_b_bt", {3, 4, 5}, {6, 5}, false, true),
           example("shared_b_atbt", {3, 5, 4}, {6, 5}, true, true),
           example("shared_a", {4, 5}, {3, 5, 6}),
           example("shared_a_at", {5, 4}, {3, 5, 6}, true),
           example("shared_a_bt", {4, 5}, {3, 6, 5}, false, true),
           example("shared_a_atbt", {5, 4}, {3, 6, 5}, true, true),
           example("batch_of_none", {0, 4, 5}, {0, 5, 3}),
           example("inner_0", {4, 0}, {0, 3}),
           example("no_columns", {2, 4, 5}, {5, 0}),
           example("large", {261, 130}, {130, 97}),
           example("large_batch", {2, 150, 140}, {2, 140, 130})},
          {{"[matmul] expected matrices, got float64 (3) on cpu",
            [] {
              matmul(random_tensor({3}, 1), random_tensor({3, 2}, 2));
            }},
           {"[matmul] expected inner sizes that agree, got 3 of float64 (2, 3) on cpu and 4 of float64 (4, 2) on cpu",
            [] {
              matmul(random_tensor({2, 3}, 1), random_tensor({4, 2}, 2));
            }},
           {"[matmul] expected the same leading axes or none",
            [] {
              matmul(random_tensor({2, 2, 3}, 1), random_tensor({3, 3, 2}, 2));
            }},
           {"[matmul] expected float32 or float64, got complex128", [] {
              matmul(random_tensor({2, 3}, 1, DType::complex128), random_tensor({3, 2}, 2, DType::complex128));
            }}}};
}

}  // namespace sunder::cases
