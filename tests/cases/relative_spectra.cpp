#include "tensor/ops/relative_spectra.h"

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

std::vector<Tensor> reference(const std::vector<Tensor>& in, double exponent) {
  const int64_t items = in[0].size(0), microphones = in[0].size(1), points = in[0].size(2) * in[0].size(3);
  const auto y = in[0].to_vector<complex128>();
  const Tensor result = Tensor::zeros({items, in[0].size(2), in[0].size(3), 2 * microphones}, DType::float64);
  for (int64_t b = 0; b < items; ++b)
    for (int64_t i = 0; i < points; ++i)
      for (int64_t m = 0; m < microphones; ++m) {
        const complex128 first = y[b * microphones * points + i], own = y[(b * microphones + m) * points + i];
        const double first_level = std::sqrt(std::norm(first) + 1e-10), level = std::sqrt(std::norm(own) + 1e-10);
        const complex128 relative = std::pow(level, exponent) * (own / level) * (std::conj(first) / first_level);
        double* to = result.mutable_data<double>() + (b * points + i) * 2 * microphones;
        to[m] = m == 0 ? first_level : relative.real();
        to[microphones + m] = m == 0 ? std::pow(first_level, exponent) : relative.imag();
      }
  return {result};
}

Example example(const std::string& name, Tensor spectra, double exponent = 0.4) {
  Example result{name,
                 {std::move(spectra)},
                 [=](const auto& in) { return std::vector{Variable(relative_spectra(in[0].value(), exponent))}; },
                 [=](const auto& in) { return reference(in, exponent); }};
  result.check_grad = false;
  result.tolerance32 = relative_spectra_error;
  return result;
}

Tensor spectra(Shape shape) { return random_tensor(std::move(shape), 1, DType::complex128); }

// Levels from 1e-6 to 1e6, and zeros.
Tensor of_many_levels(Shape shape) {
  const Tensor result = spectra(std::move(shape));
  auto* values = result.mutable_data<complex128>();
  for (int64_t i = 0; i < result.numel(); ++i) values[i] *= i % 14 == 13 ? 0.0 : std::pow(10.0, i % 14 - 6);
  return result;
}

std::vector<Benchmark> benchmarks(int64_t) {
  using namespace paper;
  return {benchmark(example("", spectra({far_field_items, microphones, far_field_frames, far_field_bins})), 30)};
}

}  // namespace

Case relative_spectra_case() {
  return {"relative_spectra",
          benchmarks,
          {example("2x3x4x5", spectra({2, 3, 4, 5})), example("1x6x33x129_chunks", spectra({1, 6, 33, 129})),
           example("one_microphone", spectra({2, 1, 3, 7})), example("exponent_1", spectra({1, 2, 3, 4}), 1),
           example("many_levels", of_many_levels({1, 3, 5, 11})),
           example("silent", Tensor::zeros({1, 2, 3, 4}, DType::complex128)), example("1x1x1x1", spectra({1, 1, 1, 1})),
           example("0x2x3x4", spectra({0, 2, 3, 4})), example("2x2x0x4", spectra({2, 2, 0, 4}))},
          {{"[relative_spectra] expected spectra with 4 axes, got complex128 (2, 3, 4)",
            [] {
              relative_spectra(spectra({2, 3, 4}), 0.4);
            }},
           {"[relative_spectra] expected complex spectra, got float64 (1, 2, 3, 4)",
            [] {
              relative_spectra(random_tensor({1, 2, 3, 4}, 1), 0.4);
            }},
           {"[relative_spectra] expected at least one microphone, got 0",
            [] {
              relative_spectra(spectra({1, 0, 3, 4}), 0.4);
            }},
           {"[relative_spectra] expected an exponent above 0 and at most 1, got 0", [] {
              relative_spectra(spectra({1, 2, 3, 4}), 0);
            }}}};
}

}  // namespace sunder::cases
