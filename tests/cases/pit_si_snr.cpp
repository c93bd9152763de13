#include "tensor/ops/pit_si_snr.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

// From the definition: both without their means, the estimate's part along the reference against the rest.
double loss_of(const double* reference, const double* estimate, int64_t length) {
  const auto n = static_cast<double>(length);
  const double of_reference = std::accumulate(reference, reference + length, 0.0) / n;
  const double of_estimate = std::accumulate(estimate, estimate + length, 0.0) / n;
  double product = 0, energy = 0, power = 0, rest = 0;
  for (int64_t i = 0; i < length; ++i) {
    product += (reference[i] - of_reference) * (estimate[i] - of_estimate);
    energy += (reference[i] - of_reference) * (reference[i] - of_reference);
    power += (estimate[i] - of_estimate) * (estimate[i] - of_estimate);
  }
  if (energy < 1e-8 || power < 1e-8) return 80;
  const double factor = product / energy;
  for (int64_t i = 0; i < length; ++i)
    rest += std::pow(estimate[i] - of_estimate - factor * (reference[i] - of_reference), 2);
  const double signal = factor * factor * energy;
  return -10 * std::log10((signal + 1e-8 * rest) / (rest + 1e-8 * signal));
}

std::vector<Tensor> reference(const std::vector<Tensor>& in) {
  const int64_t items = in[0].size(0), sources = in[0].size(1), length = in[0].size(2);
  std::vector<double> losses;
  std::vector<int64_t> chosen;
  for (int64_t b = 0; b < items; ++b) {
    std::vector<int64_t> order(sources), best;
    std::iota(order.begin(), order.end(), 0);
    double least = 0;
    do {
      double sum = 0;
      for (int64_t s = 0; s < sources; ++s)
        sum += loss_of(in[0].data<double>() + (b * sources + s) * length,
                       in[1].data<double>() + (b * sources + order[s]) * length, length);
      if (best.empty() || sum < least) std::tie(least, best) = std::pair{sum, order};
    } while (std::next_permutation(order.begin(), order.end()));
    losses.push_back(least / static_cast<double>(sources));
    chosen.insert(chosen.end(), best.begin(), best.end());
  }
  return {Tensor::from(losses, {items}), integers(chosen, {items, sources})};
}

std::vector<Tensor> inputs(Shape shape, double mean = 0) {
  std::vector<Tensor> result{random_tensor(shape, 1), random_tensor(shape, 2)};
  for (const Tensor& tensor : result)
    for (int64_t i = 0; i < tensor.numel(); ++i) tensor.mutable_data<double>()[i] += mean;
  return result;
}

Example differentiable(const std::string& name, std::vector<Tensor> in) {
  return {name,
          std::move(in),
          [](const auto& x) { return std::vector{pit_si_snr(x[0].value(), x[1])}; },
          [](const auto& x) { return std::vector{reference(x)[0]}; },
          {false, true}};
}

Example indices(const std::string& name, std::vector<Tensor> in) {
  return {name,
          std::move(in),
          [](const auto& x) {
            const PitSiSnr result = pit_si_snr(x[0].value(), x[1].value());
            return std::vector{Variable(result.loss), Variable(result.permutation)};
          },
          [](const auto& x) { return reference(x); },
          {},
          /*check_grad=*/false};
}

// Estimates that are the references in another order, at another level and upside down, with noise `level` below them.
std::vector<Tensor> nearly_solved(int64_t sources, int64_t length, double level) {
  const Tensor references = random_tensor({2, sources, length}, 3), noise = random_tensor({2, sources, length}, 4);
  return {references, generate(references.shape(), [&](int64_t i) {
            const int64_t item = i / (sources * length), s = i / length % sources;
            const int64_t other = (item * sources + (s + 1) % sources) * length + i % length;
            return -3 * (references.data<double>()[other] + level * noise.data<double>()[i]);
          })};
}

std::vector<Tensor> silent(int which) {
  std::vector<Tensor> in = inputs({2, 2, 9});
  std::fill_n(in[which].mutable_data<double>(), 9, 0.0);
  return in;
}

std::vector<Benchmark> benchmarks(int64_t batch) {
  using namespace paper;
  return {benchmark(differentiable("", inputs({batch, sources, samples})), 2 * sources + 6)};
}

}  // namespace

Case pit_si_snr_case() {
  // No finite difference exists at a silent estimate: its direction jumps.
  Example silent_estimate = differentiable("silent_estimate", silent(1));
  silent_estimate.check_grad = false;
  return {"pit_si_snr",
          benchmarks,
          {differentiable("3x2x33", inputs({3, 2, 33})), differentiable("2x3x17_with_means", inputs({2, 3, 17}, 0.7)),
           differentiable("1x6x15", inputs({1, 6, 15})), differentiable("2x1x4", inputs({2, 1, 4})),
           differentiable("2x2x4500_several_blocks", inputs({2, 2, 4500})),
           differentiable("2x2x50_nearly_solved", nearly_solved(2, 50, 0.3)),
           differentiable("silent_reference", silent(0)), silent_estimate, differentiable("0x2x5", inputs({0, 2, 5})),
           indices("9x2x12_indices", inputs({9, 2, 12})), indices("9x4x12_indices", inputs({9, 4, 12})),
           indices("5x6x11_indices", inputs({5, 6, 11})), indices("2x5x70_indices", nearly_solved(5, 70, 0.01))},
          {{"[pit_si_snr] expected references (B, S, L) of 1 to 6 sources, got float64 (1, 7, 4)",
            [] {
              pit_si_snr(random_tensor({1, 7, 4}, 1), random_tensor({1, 7, 4}, 2));
            }},
           {"[pit_si_snr] expected references with 3 axes, got float64 (2, 4)",
            [] {
              pit_si_snr(random_tensor({2, 4}, 1), random_tensor({2, 4}, 2));
            }},
           {"[pit_si_snr] expected estimates of shape (2, 2, 4), got float64 (2, 3, 4)",
            [] {
              pit_si_snr(random_tensor({2, 2, 4}, 1), random_tensor({2, 3, 4}, 2));
            }},
           {"[pit_si_snr] expected tensors of one dtype", [] {
              pit_si_snr(random_tensor({2, 2, 4}, 1), random_tensor({2, 2, 4}, 2).cast(DType::float32));
            }}}};
}

}  // namespace sunder::cases
