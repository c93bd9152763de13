#include "tensor/ops/fcp_weight.h"

#include <algorithm>

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

std::vector<Tensor> reference(const std::vector<Tensor>& in, int64_t groups, double xi) {
  const int64_t items = in[0].size(0), microphones = in[0].size(1), frames = in[0].size(2), bins = in[0].size(3);
  const auto y = in[0].to_vector<complex128>();
  const Tensor result = Tensor::zeros({items, groups, frames, bins}, DType::float64);
  for (int64_t b = 0; b < items; ++b)
    for (int64_t g = 0; g < groups; ++g) {
      const auto power = [&](int64_t i) {
        double sum = 0;
        for (int64_t m = 0; m < microphones; ++m)
          if (m * groups / microphones == g) sum += std::norm(y[(b * microphones + m) * frames * bins + i]);
        return sum * static_cast<double>(groups) / static_cast<double>(microphones);
      };
      double largest = 0;
      for (int64_t i = 0; i < frames * bins; ++i) largest = std::max(largest, power(i));
      for (int64_t i = 0; i < frames * bins; ++i)
        result.mutable_data<double>()[(b * groups + g) * frames * bins + i] = power(i) + xi * largest;
    }
  return {result};
}

Example example(const std::string& name, Tensor mixtures, int64_t groups, double xi = 0.3) {
  Example result{name,
                 {std::move(mixtures)},
                 [=](const auto& in) { return std::vector{Variable(fcp_weight(in[0].value(), groups, xi))}; },
                 [=](const auto& in) { return reference(in, groups, xi); }};
  result.check_grad = false;
  return result;
}

// Every group's largest value stands somewhere else, and one is a hundred times another.
Tensor loud(Shape shape) {
  const Tensor mixtures = random_tensor(std::move(shape), 1, DType::complex128);
  const int64_t rows = mixtures.size(0) * mixtures.size(1), points = mixtures.size(2) * mixtures.size(3);
  for (int64_t row = 0; row < rows; ++row)
    mixtures.mutable_data<complex128>()[row * points + (row * 997 + points - 1) % points] = {10.0 * (row + 1), 3};
  return mixtures;
}

Tensor spectra(Shape shape) { return random_tensor(std::move(shape), 1, DType::complex128); }

std::vector<Benchmark> benchmarks(int64_t) {
  using namespace paper;
  return {benchmark(example("", spectra({far_field_items, microphones, far_field_frames, far_field_bins}), 1), 4)};
}

}  // namespace

Case fcp_weight_case() {
  return {"fcp_weight",
          benchmarks,
          {example("2x3x4x5_shared", loud({2, 3, 4, 5}), 1), example("2x3x4x5_own", loud({2, 3, 4, 5}), 3),
           example("1x6x7x3_two_groups", loud({1, 6, 7, 3}), 2),
           example("2x2x80x129_several_blocks", loud({2, 2, 80, 129}), 1),
           example("2x2x3x3_xi_0", loud({2, 2, 3, 3}), 2, 0), example("1x1x1x1", loud({1, 1, 1, 1}), 1),
           example("silent", Tensor::zeros({1, 2, 3, 4}, DType::complex128), 2),
           example("0x2x3x4", spectra({0, 2, 3, 4}), 1), example("2x2x0x4", spectra({2, 2, 0, 4}), 1)},
          {{"[fcp_weight] expected mixtures with 4 axes, got complex128 (2, 3, 4)",
            [] {
              fcp_weight(spectra({2, 3, 4}), 1);
            }},
           {"[fcp_weight] expected complex mixtures, got float64 (1, 2, 3, 4)",
            [] {
              fcp_weight(random_tensor({1, 2, 3, 4}, 1), 1);
            }},
           {"[fcp_weight] expected a number of groups that divides the 3 microphones, got 2",
            [] {
              fcp_weight(spectra({1, 3, 3, 4}), 2);
            }},
           {"[fcp_weight] expected a number of groups that divides the 0 microphones, got 1",
            [] {
              fcp_weight(spectra({1, 0, 3, 4}), 1);
            }},
           {"[fcp_weight] expected xi of at least 0, got -1", [] {
              fcp_weight(spectra({1, 2, 3, 4}), 1, -1);
            }}}};
}

}  // namespace sunder::cases
