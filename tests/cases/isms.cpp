#include "tensor/ops/isms.h"

#include <cmath>

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

// The unbiased variance of log(|x| + 1e-8) over a frame, from all pairs of bins: no mean in it.
double scattering(const complex128* frame, int64_t bins) {
  double sum = 0;
  for (int64_t f = 0; f < bins; ++f)
    for (int64_t g = 0; g < bins; ++g)
      sum += std::pow(std::log((std::abs(frame[f]) + 1e-8) / (std::abs(frame[g]) + 1e-8)), 2);
  return sum / static_cast<double>(2 * bins * (bins - 1));
}

// inputs: images, mixtures
std::vector<Tensor> reference(const std::vector<Tensor>& in) {
  const int64_t sources = in[0].size(2), frames = in[0].size(3), bins = in[0].size(4);
  return {generate({in[0].size(0), in[0].size(1)}, [&](int64_t row) {
    double numerator = 0, denominator = 0;
    for (int64_t t = 0; t < frames; ++t) {
      denominator += scattering(in[1].data<complex128>() + (row * frames + t) * bins, bins);
      for (int64_t s = 0; s < sources; ++s)
        numerator += scattering(in[0].data<complex128>() + ((row * sources + s) * frames + t) * bins, bins) /
                     static_cast<double>(sources);
    }
    return denominator > 0 ? numerator / denominator : 0.0;
  })};
}

std::vector<Tensor> inputs(int64_t items, int64_t microphones, int64_t sources, int64_t frames, int64_t bins) {
  return {random_tensor({items, microphones, sources, frames, bins}, 1, DType::complex128),
          random_tensor({items, microphones, frames, bins}, 2, DType::complex128)};
}

Example example(const std::string& name, std::vector<Tensor> in) {
  return {name,
          std::move(in),
          [](const auto& x) { return std::vector{isms(x[0], x[1].value())}; },
          reference,
          {true, false}};
}

std::vector<Tensor> silent_microphone() {
  std::vector<Tensor> in = inputs(1, 2, 2, 3, 4);
  std::fill_n(in[1].mutable_data<complex128>(), 12, 0);
  return in;
}

// At zero the logarithm has no derivative by the parts; its slope is 0 there, and the other bins keep theirs:
// 2 (l - mean) / (F - 1) x / (|x| (|x| + eps)), here for one frame, over the mixture's variance.
Example gradient_at_zero() {
  std::vector<Tensor> in{Tensor::from(std::vector<complex128>{0, {3, -4}, {0, 1}}, {1, 1, 1, 1, 3}),
                         Tensor::from(std::vector<complex128>{1, {2, 1}, {0, -3}}, {1, 1, 1, 3})};
  const auto gradient = [](const auto& x) {
    const Isms forward = isms(x[0].value(), x[1].value());
    return std::vector{
        Variable(isms_backward(Tensor::full({1, 1}, 1, forward.loss.dtype(), forward.loss.stream()), forward))};
  };
  const auto expected = [](const std::vector<Tensor>& x) {
    const auto images = x[0].to_vector<complex128>();
    const auto log_of = [](const complex128& value) { return std::log(std::abs(value) + 1e-8); };
    const double mean = (log_of(images[0]) + log_of(images[1]) + log_of(images[2])) / 3;
    std::vector<complex128> result{0};
    for (int f = 1; f < 3; ++f) {
      const double magnitude = std::abs(images[f]);
      result.push_back((log_of(images[f]) - mean) * images[f] / (magnitude * (magnitude + 1e-8)) /
                       scattering(x[1].data<complex128>(), 3));
    }
    return std::vector{Tensor::from(result, {1, 1, 1, 1, 3})};
  };
  Example result{"gradient_at_zero", std::move(in), gradient, expected};
  result.check_grad = false;
  return result;
}

void call(Shape images, Shape mixtures, DType dtype = DType::complex128) {
  isms(random_tensor(std::move(images), 1, dtype), random_tensor(std::move(mixtures), 2, DType::complex128));
}

std::vector<Benchmark> benchmarks(int64_t) {
  using namespace paper;
  return {benchmark(example("", inputs(far_field_items, microphones, sources, far_field_frames, far_field_bins)), 30)};
}

}  // namespace

Case isms_case() {
  return {"isms",
          benchmarks,
          {example("2x3x2x5x7", inputs(2, 3, 2, 5, 7)), example("1x2x3x20x65", inputs(1, 2, 3, 20, 65)),
           example("1x1x1x1x2", inputs(1, 1, 1, 1, 2)), example("silent_microphone", silent_microphone()),
           gradient_at_zero(), example("0x2x2x3x4", inputs(0, 2, 2, 3, 4)), example("2x2x0x3x4", inputs(2, 2, 0, 3, 4)),
           example("2x2x2x0x4", inputs(2, 2, 2, 0, 4))},
          {{"[isms] expected images with 5 axes, got complex128 (2, 3, 4, 5)",
            [] {
              call({2, 3, 4, 5}, {2, 4, 5});
            }},
           {"[isms] expected complex images of at least 2 bins, got complex128 (1, 2, 2, 3, 1)",
            [] {
              call({1, 2, 2, 3, 1}, {1, 2, 3, 1});
            }},
           {"[isms] expected complex images of at least 2 bins, got float64 (1, 2, 2, 3, 4)",
            [] {
              call({1, 2, 2, 3, 4}, {1, 2, 3, 4}, DType::float64);
            }},
           {"[isms] expected mixtures of shape (1, 2, 3, 4), got complex128 (1, 1, 3, 4)",
            [] {
              call({1, 2, 2, 3, 4}, {1, 1, 3, 4});
            }},
           {"[isms_backward] expected grad_loss of shape (1, 2), got float64 (2, 1)", [] {
              const std::vector<Tensor> in = inputs(1, 2, 2, 3, 4);
              isms_backward(random_tensor({2, 1}, 1), isms(in[0], in[1]));
            }}}};
}

}  // namespace sunder::cases
