#include "tensor/ops/mixit_snr.h"

#include <algorithm>
#include <cmath>

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

// Every way to give each estimate to a mixture, in the authors' order: the sets of the mixtures, as binary numbers with
// output 0 the highest bit, ascend with the first mixture slowest.
std::vector<std::vector<int64_t>> assignments(int64_t mixtures, int64_t sources) {
  std::vector<std::vector<int64_t>> result{{}};
  for (int64_t s = 0; s < sources; ++s) {
    std::vector<std::vector<int64_t>> longer;
    for (const auto& head : result)
      for (int64_t m = 0; m < mixtures; ++m) {
        longer.push_back(head);
        longer.back().push_back(m);
      }
    result = longer;
  }
  std::ranges::sort(result, {}, [&](const auto& mixture_of) {
    std::vector<int64_t> rows(mixtures, 0);
    for (int64_t s = 0; s < sources; ++s) rows[mixture_of[s]] |= int64_t{1} << (sources - 1 - s);
    return rows;
  });
  return result;
}

double snr(const std::vector<double>& target, const std::vector<double>& estimate, double tau) {
  double energy = 0, residual = 0;
  for (size_t i = 0; i < target.size(); ++i) {
    energy += target[i] * target[i];
    residual += (target[i] - estimate[i]) * (target[i] - estimate[i]);
  }
  energy = std::max(energy, 1e-8);
  return -10 * std::log10(energy / (residual + tau * energy));
}

// The definition, straight from the samples.
std::vector<Tensor> reference(const std::vector<Tensor>& in) {
  const int64_t items = in[0].size(0), mixtures = in[0].size(1), sources = in[1].size(1), length = in[0].size(2);
  const auto all = assignments(mixtures, sources);
  std::vector<double> losses;
  std::vector<int64_t> best, chosen;
  for (int64_t b = 0; b < items; ++b) {
    std::vector<double> loss;
    for (const auto& mixture_of : all) {
      double sum = 0;
      for (int64_t m = 0; m < mixtures; ++m) {
        const double* target = in[0].data<double>() + (b * mixtures + m) * length;
        std::vector<double> estimate(length, 0.0);
        for (int64_t s = 0; s < sources; ++s)
          for (int64_t i = 0; mixture_of[s] == m && i < length; ++i)
            estimate[i] += in[1].data<double>()[(b * sources + s) * length + i];
        sum += snr({target, target + length}, estimate, 1e-3);
      }
      loss.push_back(sum / static_cast<double>(mixtures));
    }
    best.push_back(std::ranges::min_element(loss) - loss.begin());
    losses.push_back(loss[best.back()]);
    for (int64_t m : all[best.back()]) chosen.push_back(m);
  }
  return {Tensor::from(losses, {items}), integers(best, {items}), integers(chosen, {items, sources})};
}

std::vector<Tensor> inputs(int64_t items, int64_t mixtures, int64_t sources, int64_t length) {
  return {random_tensor({items, mixtures, length}, 1), random_tensor({items, sources, length}, 2)};
}

// Mixtures that are sums of the estimates 0, 3, 6, ... and 1, 4, ... and so on, with a little noise: near the floor.
std::vector<Tensor> nearly_solved(int64_t mixtures, int64_t sources, int64_t length) {
  const Tensor estimates = random_tensor({2, sources, length}, 3), noise = random_tensor({2, mixtures, length}, 4);
  return {generate({2, mixtures, length},
                   [&](int64_t i) {
                     const int64_t item = i / (mixtures * length), m = i / length % mixtures;
                     double sum = 0.03 * noise.data<double>()[i];
                     for (int64_t s = m; s < sources; s += mixtures)
                       sum += estimates.data<double>()[(item * sources + s) * length + i % length];
                     return sum;
                   }),
          estimates};
}

std::vector<Tensor> silent_mixture() {
  std::vector<Tensor> in = inputs(2, 2, 4, 9);
  std::fill_n(in[0].mutable_data<double>(), 9, 0.0);
  return in;
}

Example differentiable(const std::string& name, std::vector<Tensor> in) {
  return {name,
          std::move(in),
          [](const auto& x) { return std::vector{mixit_snr(x[0].value(), x[1])}; },
          [](const auto& x) { return std::vector{reference(x)[0]}; },
          {false, true}};
}

Example indices(const std::string& name, std::vector<Tensor> in) {
  return {name,
          std::move(in),
          [](const auto& x) {
            const MixitSnr result = mixit_snr(x[0].value(), x[1].value());
            return std::vector{Variable(result.loss), Variable(result.assignment), Variable(result.mixture_of)};
          },
          reference,
          {},
          /*check_grad=*/false};
}

std::vector<Benchmark> benchmarks(int64_t batch) {
  using namespace paper;
  // The Gram matrix of two mixtures and four estimates.
  return {benchmark(differentiable("", inputs(batch, 2, 4, samples)), 6 * 7 / 2)};
}

}  // namespace

Case mixit_snr_case() {
  return {"mixit_snr",
          benchmarks,
          {differentiable("3x2x4x33", inputs(3, 2, 4, 33)), differentiable("2x3x4x17", inputs(2, 3, 4, 17)),
           differentiable("2x1x2x5", inputs(2, 1, 2, 5)), differentiable("2x2x1x1", inputs(2, 2, 1, 1)),
           differentiable("2x2x4x4500_several_blocks", inputs(2, 2, 4, 4500)),
           differentiable("2x2x4x60_nearly_solved", nearly_solved(2, 4, 60)),
           differentiable("silent_mixture", silent_mixture()), differentiable("0x2x4x5", inputs(0, 2, 4, 5)),
           differentiable("2x2x4x0", inputs(2, 2, 4, 0)), indices("12x2x4x9_indices", inputs(12, 2, 4, 9)),
           indices("6x3x5x9_indices", inputs(6, 3, 5, 9)), indices("2x4x6x80_indices", nearly_solved(4, 6, 80)),
           indices("2x2x10x60_indices", nearly_solved(2, 10, 60))},
          {{"[mixit_snr] expected 1 to 16 mixtures and estimates with at most 65536 assignments, got 3 mixtures and 11",
            [] {
              mixit_snr(random_tensor({1, 3, 4}, 1), random_tensor({1, 11, 4}, 2));
            }},
           {"got 1 mixtures and 17 estimates",
            [] {
              mixit_snr(random_tensor({1, 1, 4}, 1), random_tensor({1, 17, 4}, 2));
            }},
           {"[mixit_snr] expected estimates of shape (2, -1, 4), got float64 (2, 4, 5)",
            [] {
              mixit_snr(random_tensor({2, 2, 4}, 1), random_tensor({2, 4, 5}, 2));
            }},
           {"[mixit_snr] expected mixtures with 3 axes",
            [] {
              mixit_snr(random_tensor({2, 4}, 1), random_tensor({2, 4, 4}, 2));
            }},
           {"[mixit_snr] expected tensors of one dtype", [] {
              mixit_snr(random_tensor({1, 2, 4}, 1), random_tensor({1, 4, 4}, 2).cast(DType::float32));
            }}}};
}

}  // namespace sunder::cases
