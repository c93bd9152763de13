#include "tensor/ops/pit_snr.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

// The definition: every permutation as a list of 0/1 rows in the authors' order (rows ascend as binary numbers, the
// first row slowest), its loss straight from the samples.
std::vector<Tensor> reference(const std::vector<Tensor>& in, double snr_max_db) {
  const int64_t items = in[0].size(0), sources = in[0].size(1), length = in[0].size(2);
  const double tau = std::pow(10, -snr_max_db / 10);
  std::vector<std::vector<int64_t>> permutations;
  std::vector<int64_t> order(sources);
  std::iota(order.begin(), order.end(), 0);
  do permutations.push_back(order);
  while (std::next_permutation(order.begin(), order.end()));
  std::ranges::sort(permutations, {}, [&](const auto& p) {
    std::vector<int64_t> rows;
    for (int64_t output : p) rows.push_back(int64_t{1} << (sources - 1 - output));
    return rows;
  });
  std::vector<double> losses;
  std::vector<int64_t> best, chosen;
  for (int64_t b = 0; b < items; ++b) {
    std::vector<double> loss;
    for (const auto& permutation : permutations) {
      double sum = 0;
      for (int64_t s = 0; s < sources; ++s) {
        const double* target = in[0].data<double>() + (b * sources + s) * length;
        const double* estimate = in[1].data<double>() + (b * sources + permutation[s]) * length;
        double energy = 0, residual = 0;
        for (int64_t i = 0; i < length; ++i) {
          energy += target[i] * target[i];
          residual += (target[i] - estimate[i]) * (target[i] - estimate[i]);
        }
        energy = std::max(energy, 1e-8);
        sum -= 10 * std::log10(energy / (residual + tau * energy));
      }
      loss.push_back(sum / static_cast<double>(sources));
    }
    best.push_back(std::ranges::min_element(loss) - loss.begin());
    losses.push_back(loss[best.back()]);
    for (int64_t output : permutations[best.back()]) chosen.push_back(output);
  }
  return {Tensor::from(losses, {items}), integers(best, {items}), integers(chosen, {items, sources})};
}

std::vector<Tensor> inputs(Shape shape) { return {random_tensor(shape, 1), random_tensor(shape, 2)}; }

Example differentiable(const std::string& name, std::vector<Tensor> in, double snr_max_db = 30) {
  return {name,
          std::move(in),
          [=](const auto& x) { return std::vector{pit_snr(x[0].value(), x[1], snr_max_db)}; },
          [=](const auto& x) { return std::vector{reference(x, snr_max_db)[0]}; },
          {false, true}};
}

// All that the op returns for the caller, indices included.
Example indices(const std::string& name, std::vector<Tensor> in) {
  return {name,
          std::move(in),
          [](const auto& x) {
            const PitSnr result = pit_snr(x[0].value(), x[1].value());
            return std::vector{Variable(result.loss), Variable(result.assignment), Variable(result.permutation)};
          },
          [](const auto& x) { return reference(x, 30); },
          {},
          /*check_grad=*/false};
}

// Estimates that are the references in another order, with a little noise: the loss is near its floor.
std::vector<Tensor> nearly_solved(int64_t sources, int64_t length) {
  const Tensor references = random_tensor({2, sources, length}, 3), noise = random_tensor({2, sources, length}, 4);
  return {references, generate(references.shape(), [&](int64_t i) {
            const int64_t item = i / (sources * length), s = i / length % sources;
            const int64_t other = (item * sources + (s + 1) % sources) * length + i % length;
            return references.data<double>()[other] + 0.03 * noise.data<double>()[i];
          })};
}

std::vector<Tensor> silent_reference() {
  std::vector<Tensor> in = inputs({2, 2, 9});
  std::fill_n(in[0].mutable_data<double>(), 9, 0.0);
  return in;
}

std::vector<Benchmark> benchmarks(int64_t batch) {
  using namespace paper;
  return {benchmark(differentiable("", inputs({batch, sources, samples})), 3 * sources)};
}

}  // namespace

Case pit_snr_case() {
  return {"pit_snr",
          benchmarks,
          {differentiable("3x2x33", inputs({3, 2, 33})), differentiable("2x3x17_snr_max_10", inputs({2, 3, 17}), 10),
           differentiable("1x6x5", inputs({1, 6, 5})), differentiable("2x1x1", inputs({2, 1, 1})),
           differentiable("2x2x4500_several_blocks", inputs({2, 2, 4500})),
           differentiable("2x2x50_nearly_solved", nearly_solved(2, 50)),
           differentiable("silent_reference", silent_reference()), differentiable("0x2x5", inputs({0, 2, 5})),
           differentiable("2x2x0", inputs({2, 2, 0})), indices("9x2x12_indices", inputs({9, 2, 12})),
           indices("9x4x12_indices", inputs({9, 4, 12})), indices("5x6x11_indices", inputs({5, 6, 11})),
           indices("2x5x70_indices", nearly_solved(5, 70))},
          {{"[pit_snr] expected references (B, S, L) of 1 to 6 sources, got float64 (1, 7, 4)",
            [] {
              pit_snr(random_tensor({1, 7, 4}, 1), random_tensor({1, 7, 4}, 2));
            }},
           {"[pit_snr] expected references with 3 axes, got float64 (2, 4)",
            [] {
              pit_snr(random_tensor({2, 4}, 1), random_tensor({2, 4}, 2));
            }},
           {"[pit_snr] expected estimates of shape (2, 2, 4), got float64 (2, 3, 4)",
            [] {
              pit_snr(random_tensor({2, 2, 4}, 1), random_tensor({2, 3, 4}, 2));
            }},
           {"[pit_snr] expected tensors of one dtype", [] {
              pit_snr(random_tensor({2, 2, 4}, 1), random_tensor({2, 2, 4}, 2).cast(DType::float32));
            }}}};
}

}  // namespace sunder::cases
