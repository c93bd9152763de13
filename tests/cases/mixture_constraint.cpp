#include "tensor/ops/mixture_constraint.h"

#include <cmath>

#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

// inputs: images, mixtures
std::vector<Tensor> reference(const std::vector<Tensor>& in) {
  const int64_t points = in[1].size(2) * in[1].size(3), sources = in[0].size(2);
  const auto x = in[0].to_vector<complex128>(), y = in[1].to_vector<complex128>();
  return {generate({in[1].size(0), in[1].size(1)}, [&](int64_t row) {
    double distance = 0, level = 0;
    for (int64_t i = 0; i < points; ++i) {
      const complex128 mixture = y[row * points + i];
      complex128 sum = 0;
      for (int64_t s = 0; s < sources; ++s) sum += x[(row * sources + s) * points + i];
      distance += std::abs((mixture - sum).real()) + std::abs((mixture - sum).imag()) +
                  std::abs(std::abs(mixture) - std::abs(sum));
      level += std::abs(mixture);
    }
    return level > 0 ? distance / level : 0.0;
  })};
}

std::vector<Tensor> inputs(int64_t items, int64_t microphones, int64_t sources, int64_t frames, int64_t bins) {
  return {random_tensor({items, microphones, sources, frames, bins}, 1, DType::complex128),
          random_tensor({items, microphones, frames, bins}, 2, DType::complex128)};
}

Example example(const std::string& name, std::vector<Tensor> in) {
  return {name,
          std::move(in),
          [](const auto& x) { return std::vector{mixture_constraint(x[0], x[1].value())}; },
          reference,
          {true, false}};
}

std::vector<Tensor> silent_microphone() {
  std::vector<Tensor> in = inputs(1, 2, 2, 3, 4);
  std::fill_n(in[1].mutable_data<complex128>(), 12, 0);
  return in;
}

// Where images add up to the mixture, or to nothing, no finite difference exists; the gradient for grad_loss = 1.
Example gradient_at_kinks() {
  const complex128 y{3, -4};
  std::vector<Tensor> in{Tensor::from(std::vector<complex128>{{2, -4}, 0, {3, -8}, {1, 0}, 0, {3, 4}}, {1, 1, 2, 1, 3}),
                         Tensor::from(std::vector<complex128>{y, y, y}, {1, 1, 1, 3})};
  const auto gradient = [](const auto& x) {
    const MixtureConstraint forward = mixture_constraint(x[0].value(), x[1].value());
    const Tensor one = Tensor::full({1, 1}, 1, forward.loss.dtype(), forward.loss.stream());
    return std::vector{Variable(mixture_constraint_backward(one, forward, 2))};
  };
  // Equal to the mixture: 0. Zero: signs of the parts alone. (6, -4): an equal imaginary part, too large a real part
  // and magnitude.
  const auto expected = [](const auto&) {
    const double magnitude = std::hypot(6, 4);
    const std::vector<complex128> slopes{0, {-1, 1}, {1 + 6 / magnitude, -4 / magnitude}};
    std::vector<complex128> both;
    for (int s = 0; s < 2; ++s)
      for (const complex128& slope : slopes) both.push_back(slope / 15.0);
    return std::vector{Tensor::from(both, {1, 1, 2, 1, 3})};
  };
  Example result{"gradient_at_kinks", std::move(in), gradient, expected};
  result.check_grad = false;
  return result;
}

void call(Shape images, Shape mixtures, DType dtype = DType::complex128) {
  mixture_constraint(random_tensor(std::move(images), 1, dtype),
                     random_tensor(std::move(mixtures), 2, DType::complex128));
}

std::vector<Benchmark> benchmarks(int64_t) {
  using namespace paper;
  return {benchmark(example("", inputs(far_field_items, microphones, sources, far_field_frames, far_field_bins)), 12)};
}

}  // namespace

Case mixture_constraint_case() {
  return {
      "mixture_constraint",
      benchmarks,
      {example("2x3x2x5x7", inputs(2, 3, 2, 5, 7)), example("1x2x3x40x129_several_blocks", inputs(1, 2, 3, 40, 129)),
       example("2x1x1x1x1", inputs(2, 1, 1, 1, 1)), example("2x2x0x3x4", inputs(2, 2, 0, 3, 4)),
       example("silent_microphone", silent_microphone()), gradient_at_kinks(),
       example("0x2x2x3x4", inputs(0, 2, 2, 3, 4)), example("2x2x2x0x4", inputs(2, 2, 2, 0, 4))},
      {{"[mixture_constraint] expected images with 5 axes, got complex128 (2, 3, 4, 5)",
        [] {
          call({2, 3, 4, 5}, {2, 4, 5});
        }},
       {"[mixture_constraint] expected complex images, got float64 (1, 2, 2, 3, 4)",
        [] {
          call({1, 2, 2, 3, 4}, {1, 2, 3, 4}, DType::float64);
        }},
       {"[mixture_constraint] expected mixtures of shape (1, 2, 3, 4), got complex128 (1, 1, 3, 4)",
        [] {
          call({1, 2, 2, 3, 4}, {1, 1, 3, 4});
        }},
       {"[mixture_constraint_backward] expected grad_loss of shape (1, 2), got float64 (2, 1)", [] {
          const std::vector<Tensor> in = inputs(1, 2, 2, 3, 4);
          mixture_constraint_backward(random_tensor({2, 1}, 1), mixture_constraint(in[0], in[1]), 2);
        }}}};
}

}  // namespace sunder::cases
