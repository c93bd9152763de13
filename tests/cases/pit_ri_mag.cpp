#include "tensor/ops/pit_ri_mag.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

// Every permutation straight from the spectra. inputs: references, mixtures, estimates. Loss and permutation.
std::vector<Tensor> reference(const std::vector<Tensor>& in) {
  const int64_t items = in[0].size(0), sources = in[0].size(1), points = in[0].size(2) * in[0].size(3);
  const auto r = in[0].to_vector<complex128>(), y = in[1].to_vector<complex128>(), e = in[2].to_vector<complex128>();
  std::vector<double> losses;
  std::vector<int64_t> chosen;
  for (int64_t b = 0; b < items; ++b) {
    double level = 0;
    for (int64_t i = 0; i < points; ++i) level += std::abs(y[b * points + i]);
    std::vector<int64_t> order(sources), best;
    std::iota(order.begin(), order.end(), 0);
    double least = INFINITY;
    do {
      double sum = 0;
      for (int64_t s = 0; s < sources; ++s)
        for (int64_t i = 0; i < points; ++i) {
          const complex128 target = r[(b * sources + s) * points + i],
                           estimate = e[(b * sources + order[s]) * points + i];
          sum += std::abs((target - estimate).real()) + std::abs((target - estimate).imag()) +
                 std::abs(std::abs(target) - std::abs(estimate));
        }
      if (sum < least) {
        least = sum;
        best = order;
      }
    } while (std::next_permutation(order.begin(), order.end()));
    losses.push_back(level > 0 ? least / static_cast<double>(sources) / level : 0.0);
    chosen.insert(chosen.end(), best.begin(), best.end());
  }
  return {Tensor::from(losses, {items}), integers(chosen, {items, sources})};
}

std::vector<Tensor> inputs(int64_t items, int64_t sources, int64_t frames, int64_t bins) {
  const Shape shape{items, sources, frames, bins};
  return {random_tensor(shape, 1, DType::complex128), random_tensor({items, frames, bins}, 2, DType::complex128),
          random_tensor(shape, 3, DType::complex128)};
}

Example differentiable(const std::string& name, std::vector<Tensor> in) {
  return {name,
          std::move(in),
          [](const auto& x) { return std::vector{pit_ri_mag(x[0].value(), x[1].value(), x[2])}; },
          [](const auto& x) { return std::vector{reference(x)[0]}; },
          {false, false, true}};
}

Example indices(const std::string& name, std::vector<Tensor> in) {
  Example result{name, std::move(in),
                 [](const auto& x) {
                   const PitRiMag found = pit_ri_mag(x[0].value(), x[1].value(), x[2].value());
                   return std::vector{Variable(found.loss), Variable(found.permutation)};
                 },
                 reference};
  result.check_grad = false;
  return result;
}

std::vector<Tensor> silent_mixture() {
  std::vector<Tensor> in = inputs(2, 2, 3, 4);
  std::fill_n(in[1].mutable_data<complex128>(), 12, 0);
  return in;
}

void call(Shape references, Shape mixtures, Shape estimates, DType dtype = DType::complex128) {
  pit_ri_mag(random_tensor(std::move(references), 1, dtype), random_tensor(std::move(mixtures), 2, dtype),
             random_tensor(std::move(estimates), 3, dtype));
}

std::vector<Benchmark> benchmarks(int64_t) {
  using namespace paper;
  return {
      benchmark(differentiable("", inputs(far_field_items, sources, far_field_frames, far_field_bins)), 18 * sources)};
}

}  // namespace

Case pit_ri_mag_case() {
  return {"pit_ri_mag",
          benchmarks,
          {differentiable("3x2x5x7", inputs(3, 2, 5, 7)), differentiable("2x3x4x5", inputs(2, 3, 4, 5)),
           differentiable("1x6x2x3", inputs(1, 6, 2, 3)), differentiable("2x1x1x1", inputs(2, 1, 1, 1)),
           differentiable("1x2x40x65_several_blocks", inputs(1, 2, 40, 65)),
           differentiable("silent_mixture", silent_mixture()), differentiable("0x2x3x4", inputs(0, 2, 3, 4)),
           differentiable("2x2x0x4", inputs(2, 2, 0, 4)), indices("9x2x3x4_indices", inputs(9, 2, 3, 4)),
           indices("9x4x3x4_indices", inputs(9, 4, 3, 4)), indices("5x6x3x4_indices", inputs(5, 6, 3, 4))},
          {{"[pit_ri_mag] expected references with 4 axes, got complex128 (2, 3, 4)",
            [] {
              call({2, 3, 4}, {2, 4}, {2, 3, 4});
            }},
           {"[pit_ri_mag] expected complex references (B, S, T, F) of 1 to 6 sources, got complex128 (1, 7, 2, 3)",
            [] {
              call({1, 7, 2, 3}, {1, 2, 3}, {1, 7, 2, 3});
            }},
           {"[pit_ri_mag] expected complex references (B, S, T, F) of 1 to 6 sources, got float64 (1, 2, 2, 3)",
            [] {
              call({1, 2, 2, 3}, {1, 2, 3}, {1, 2, 2, 3}, DType::float64);
            }},
           {"[pit_ri_mag] expected estimates of shape (1, 2, 2, 3), got complex128 (1, 3, 2, 3)",
            [] {
              call({1, 2, 2, 3}, {1, 2, 3}, {1, 3, 2, 3});
            }},
           {"[pit_ri_mag] expected mixtures of shape (1, 2, 3), got complex128 (1, 3, 3)", [] {
              call({1, 2, 2, 3}, {1, 3, 3}, {1, 2, 2, 3});
            }}}};
}

}  // namespace sunder::cases
