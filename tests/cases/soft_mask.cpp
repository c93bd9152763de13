#include "tensor/ops/soft_mask.h"

#include <cmath>

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

std::vector<Tensor> reference(const std::vector<Tensor>& in, const Tensor& spectrum, int64_t sources) {
  const auto logits = in[0].to_vector<double>();
  const auto x = spectrum.to_vector<complex128>();
  const int64_t items = spectrum.size(0), frames = spectrum.size(1), bins = spectrum.size(2);
  Tensor result = Tensor::empty({items, sources, frames, bins}, DType::complex128);
  complex128* out = result.mutable_data<complex128>();
  for (int64_t b = 0; b < items; ++b)
    for (int64_t s = 0; s < sources; ++s)
      for (int64_t t = 0; t < frames; ++t)
        for (int64_t f = 0; f < bins; ++f) {
          const auto mask = [&](int64_t source) {
            return 1 / (1 + std::exp(-logits[((b * frames + t) * sources + source) * bins + f]));
          };
          double sum = 1e-8;
          for (int64_t r = 0; r < sources; ++r) sum += mask(r);
          *out++ = x[(b * frames + t) * bins + f] * mask(s) / sum;
        }
  return {result};
}

Example example(const std::string& name, int64_t items, int64_t sources, int64_t frames, int64_t bins,
                double range = 3) {
  const Tensor spectrum = random_tensor({items, frames, bins}, 2, DType::complex128);
  const auto function = [=](const auto& in) {
    const Tensor& logits = in[0].value();
    const DType precision = complex_of(compute_dtype(logits.dtype()));
    return std::vector{soft_mask(in[0], spectrum.cast(precision).to(logits.stream()), sources)};
  };
  Example result{name,
                 {random_tensor({items, frames, sources * bins}, 1, DType::float64, -range, range)},
                 function,
                 [=](const auto& in) { return reference(in, spectrum, sources); }};
  result.narrow = {Narrow::activation};
  result.bfloat16_bound = soft_mask_bfloat16_error;
  return result;
}

void call(Shape logits, Shape spectrum, int64_t sources = 2, DType dtype = DType::complex128) {
  soft_mask(random_tensor(std::move(logits), 1), random_tensor(std::move(spectrum), 2, dtype), sources);
}

std::vector<Benchmark> benchmarks(int64_t batch) {
  using namespace paper;
  // The spectrum is an input here, as the examples' function converts it on every call.
  return {benchmark({"",
                     {random_tensor({batch, frames, sources * bins}, 1, DType::float64, -3, 3),
                      random_tensor({batch, frames, bins}, 2, DType::complex128)},
                     [](const auto& in) { return std::vector{soft_mask(in[0], in[1].value(), sources)}; },
                     {},
                     {true, false}},
                    activation_flops)};
}

}  // namespace

Case soft_mask_case() {
  return {"soft_mask",
          benchmarks,
          {example("2x2x5x17", 2, 2, 5, 17), example("3x4x20x9", 3, 4, 20, 9), example("1x1x1x1", 1, 1, 1, 1),
           // Masks below the constant that keeps their sum from being zero, and masks of exactly one.
           example("saturated_1x2x3x33", 1, 2, 3, 33, 40), example("0x2x4x5", 0, 2, 4, 5),
           example("2x3x0x5", 2, 3, 0, 5), example("2x2x3x0", 2, 2, 3, 0)},
          {{"[soft_mask] expected logits of shape (2, 3, 10), got float64 (2, 3, 15)",
            [] {
              call({2, 3, 15}, {2, 3, 5});
            }},
           {"[soft_mask] expected logits of shape (2, 3, 10)",
            [] {
              call({2, 4, 10}, {2, 3, 5});
            }},
           {"[soft_mask] expected logits of shape (2, 3, 10)",
            [] {
              call({6, 10}, {2, 3, 5});
            }},
           {"[soft_mask] expected at least one source, got 0",
            [] {
              call({2, 3, 0}, {2, 3, 5}, 0);
            }},
           {"[soft_mask] expected spectrum with 3 axes",
            [] {
              call({6, 10}, {6, 5});
            }},
           {"[soft_mask] expected real logits and a complex spectrum",
            [] {
              call({2, 3, 10}, {2, 3, 5}, 2, DType::float64);
            }},
           {"[soft_mask_backward] expected grad_estimates of shape (2, 2, 3, 5)", [] {
              soft_mask_backward(random_tensor({2, 2, 3, 4}, 1, DType::complex128), random_tensor({2, 3, 10}, 1),
                                 random_tensor({2, 3, 5}, 2, DType::complex128));
            }}}};
}

}  // namespace sunder::cases
