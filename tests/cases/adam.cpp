#include "tensor/ops/adam.h"

#include <cmath>
#include <limits>

#include "tensor/ops/l2_norm.h"
#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

constexpr double lr = 1e-2;

AdamState fresh_state(const Tensor& parameters) {
  return {parameters.clone(), Tensor::zeros_like(parameters), Tensor::zeros_like(parameters),
          Tensor::full({1}, lr, parameters.dtype(), parameters.stream()),
          Tensor::zeros({1}, DType::int64, parameters.stream()), Tensor::zeros({1}, DType::int64, parameters.stream())};
}

// Three updates with the gradients given, the last of them left out if it is not finite.
std::vector<Variable> three_updates(const std::vector<Variable>& in, double clip) {
  AdamState state = fresh_state(in[0].value());
  for (int step = 0; step < 3; ++step) {
    const int64_t count = in[0].value().numel();
    const Tensor grad = in[1].value().slice(step, step + 1).reshape({count});
    adam(state, grad, l2_norm(grad), {.clip = clip});
  }
  return {Variable(state.parameters), Variable(state.first_moment), Variable(state.second_moment), Variable(state.step),
          Variable(state.skipped)};
}

// The paper's algorithm 1 as it is written there.
std::vector<Tensor> reference(const std::vector<Tensor>& in, double clip) {
  std::vector<double> p = in[0].to_vector<double>(), m(p.size()), v(p.size());
  const auto grads = in[1].to_vector<double>();
  int64_t t = 0, skipped = 0;
  for (size_t step = 0; step < 3; ++step) {
    double squares = 0;
    for (size_t i = 0; i < p.size(); ++i) squares += grads[step * p.size() + i] * grads[step * p.size() + i];
    if (!std::isfinite(squares)) {
      ++skipped;
      continue;
    }
    ++t;
    skipped = 0;
    const double scale = clip > 0 ? std::min(1.0, clip / (std::sqrt(squares) + 1e-6)) : 1;
    for (size_t i = 0; i < p.size(); ++i) {
      const double g = grads[step * p.size() + i] * scale;
      m[i] = 0.9 * m[i] + 0.1 * g;
      v[i] = 0.999 * v[i] + 0.001 * g * g;
      const double m_hat = m[i] / (1 - std::pow(0.9, t)), v_hat = v[i] / (1 - std::pow(0.999, t));
      p[i] -= lr * m_hat / (std::sqrt(v_hat) + 1e-8);
    }
  }
  const int64_t count = in[0].numel();
  return {Tensor::from(p, {count}), Tensor::from(m, {count}), Tensor::from(v, {count}), integers({t}, {1}),
          integers({skipped}, {1})};
}

Example example(const std::string& name, int64_t count, double clip, bool last_is_broken = false) {
  Tensor grads = random_tensor({3, count}, 2);
  if (last_is_broken) grads.mutable_data<double>()[3 * count - 1] = std::numeric_limits<double>::quiet_NaN();
  return {name, {random_tensor({count}, 1), grads}, [clip](const auto& in) { return three_updates(in, clip); },
          [clip](const auto& in) { return reference(in, clip); }, {}, /*check_grad=*/false, 1e-12, 1e-6};
}

}  // namespace

Case adam_case() {
  return {"adam",
          {example("1", 1, 5), example("37_clipped", 37, 0.5), example("37_unclipped", 37, 0),
           example("40000_clipped", 40000, 5), example("5_last_gradient_nan", 5, 5, true)},
          {{"[adam] expected flat buffers of shape (4)", [] {
              AdamState state = fresh_state(random_tensor({3}, 1));
              adam(state, random_tensor({4}, 2), Tensor::full({1}, 1, DType::float64), {});
            }}}};
}

}  // namespace sunder::cases
