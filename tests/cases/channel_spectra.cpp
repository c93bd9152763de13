#include <algorithm>

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

std::vector<Tensor> reference(const std::vector<Tensor>& in) {
  const int64_t items = in[0].size(0), frames = in[0].size(1), bins = in[0].size(2), sources = in[0].size(3) / 2;
  const auto x = in[0].to_vector<double>();
  const Tensor result = Tensor::empty({items, sources, frames, bins}, DType::complex128);
  for (int64_t i = 0; i < result.numel(); ++i) {
    const int64_t f = i % bins, t = i / bins % frames, s = i / bins / frames % sources, b = i / bins / frames / sources;
    const int64_t at = ((b * frames + t) * bins + f) * 2 * sources + 2 * s;
    result.mutable_data<complex128>()[i] = {x[at], x[at + 1]};
  }
  return {result};
}

Example example(const std::string& name, Shape shape) {
  return {name,
          {random_tensor(std::move(shape), 1)},
          [](const auto& in) { return std::vector{channel_spectra(in[0])}; },
          reference};
}

std::vector<Benchmark> benchmarks(int64_t batch) {
  using namespace paper;
  return {benchmark(example("", {std::max<int64_t>(1, batch / 8), frames, far_field_bins, 2 * sources}), 0)};
}

}  // namespace

Case channel_spectra_case() {
  return {"channel_spectra",
          benchmarks,
          {example("2x5x7x4", {2, 5, 7, 4}), example("1x3x2x6", {1, 3, 2, 6}), example("1x1x1x2", {1, 1, 1, 2}),
           example("0x3x4x4", {0, 3, 4, 4}), example("2x3x4x0", {2, 3, 4, 0})},
          {{"[channel_spectra] expected x with 4 axes, got float64 (2, 3, 4)",
            [] {
              channel_spectra(Variable(random_tensor({2, 3, 4}, 1)));
            }},
           {"[channel_spectra] expected float32 or float64 channels in pairs, got float64 (1, 2, 3, 5)",
            [] {
              channel_spectra(Variable(random_tensor({1, 2, 3, 5}, 1)));
            }},
           {"[channel_spectra] expected float32 or float64 channels in pairs, got complex128 (1, 2, 3, 4)", [] {
              channel_spectra(Variable(random_tensor({1, 2, 3, 4}, 1, DType::complex128)));
            }}}};
}

}  // namespace sunder::cases
