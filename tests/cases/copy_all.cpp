#include "tensor/ops/copy_all.h"

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

// The inputs side by side in one buffer, each from an odd place on, as a network's gradients are kept.
Example example(const std::string& name, const std::vector<Shape>& shapes, DType dtype = DType::float64) {
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < shapes.size(); ++i) inputs.push_back(random_tensor(shapes[i], i + 1, dtype));
  return {name,
          inputs,
          [](const auto& in) {
            std::vector<Tensor> sources, targets;
            int64_t total = 1;
            for (const Variable& x : in) total += x.value().numel() + 1;
            const Tensor flat = Tensor::zeros({total}, in[0].value().dtype(), in[0].value().stream());
            for (int64_t at = 1; const Variable& x : in) {
              sources.push_back(x.value());
              targets.push_back(flat.slice(at, at + x.value().numel()).reshape(x.shape()));
              at += x.value().numel() + 1;
            }
            copy_all(sources, targets);
            return std::vector{Variable(flat)};
          },
          [](const std::vector<Tensor>& in) {
            const bool complex = is_complex(in[0].dtype());
            std::vector<double> flat(complex ? 2 : 1);
            for (const Tensor& x : in) {
              const auto* values = reinterpret_cast<const double*>(x.raw());
              flat.insert(flat.end(), values, values + x.numel() * (complex ? 2 : 1));
              flat.resize(flat.size() + (complex ? 2 : 1));
            }
            if (!complex) return std::vector{Tensor::from(flat, {static_cast<int64_t>(flat.size())})};
            const auto* pairs = reinterpret_cast<const complex128*>(flat.data());
            return std::vector{
                Tensor::from(std::vector(pairs, pairs + flat.size() / 2), {static_cast<int64_t>(flat.size() / 2)})};
          },
          {},
          /*check_grad=*/false};
}

std::vector<Benchmark> benchmarks(int64_t) {
  using namespace paper;
  // As many pieces as the network has parameters, of their mean size. The first call makes the lists and is not
  // timed.
  const int64_t pieces = 150, size = network_parameters / pieces;
  const auto copy = [=, from = std::vector<Tensor>(), to = std::vector<Tensor>(),
                     flat = Tensor()](const auto& in) mutable {
    if (from.empty()) {
      flat = Tensor::zeros({pieces * size}, in[0].value().dtype(), in[0].value().stream());
      for (int64_t i = 0; i < pieces; ++i) {
        from.push_back(in[i].value());
        to.push_back(flat.slice(i * size, (i + 1) * size));
      }
    }
    copy_all(from, to);
    return std::vector{Variable(flat)};
  };
  Example result{"", {}, copy, {}, {}, /*check_grad=*/false};
  for (int64_t i = 0; i < pieces; ++i) result.inputs.push_back(random_tensor({size}, i));
  return {benchmark(result, 0)};
}

}  // namespace

Case copy_all_case() {
  return {
      "copy_all",
      benchmarks,
      {example("one", {{1}}), example("three", {{3, 5}, {1}, {7}}), example("long_and_empty", {{9001}, {0}, {4096}}),
       example("170_tables", std::vector<Shape>(170, Shape{3})), example("complex", {{4}, {5, 3}}, DType::complex128)},
      {{"[copy_all] expected as many targets as the 1 sources, got 0", [] { copy_all({random_tensor({2}, 1)}, {}); }},
       {"[copy_all] expected target of shape (2), got float64 (3)",
        [] { copy_all({random_tensor({2}, 1)}, {random_tensor({3}, 2)}); }}}};
}

}  // namespace sunder::cases
