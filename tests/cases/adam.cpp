#include "tensor/ops/adam.h"

#include <cmath>
#include <limits>
#include <optional>

#include "tensor/ops/l2_norm.h"
#include "tests/cases/case.h"

namespace sunder::cases {
namespace {

constexpr double lr = 1e-2, nan = std::numeric_limits<double>::quiet_NaN();

AdamState fresh_state(const Tensor& parameters, double ema = 0) {
  return {parameters.clone(),
          Tensor::zeros_like(parameters),
          Tensor::zeros_like(parameters),
          Tensor::full({1}, lr, parameters.dtype(), parameters.stream()),
          Tensor::zeros({1}, DType::int64, parameters.stream()),
          Tensor::zeros({1}, DType::int64, parameters.stream()),
          Tensor::empty({3}, DType::float64, parameters.stream()),
          ema > 0 ? parameters.clone() : Tensor()};
}

// Three updates with the gradients and losses given, the last of them left out if one is not finite.
std::vector<Variable> three_updates(const std::vector<Variable>& in, const AdamOptions& options) {
  AdamState state = fresh_state(in[0].value(), options.ema);
  Tensor report;  // of the second update: the last one's may hold what equals nothing
  for (int step = 0; step < 3; ++step) {
    const int64_t count = in[0].value().numel();
    const Tensor grad = in[1].value().slice(step, step + 1).reshape({count});
    adam(state, grad, l2_norm(grad), in[2].value().slice(step, step + 1), options);
    if (step == 1) report = state.report.clone();
  }
  std::vector<Variable> result = {Variable(state.parameters),    Variable(state.first_moment),
                                  Variable(state.second_moment), Variable(state.step),
                                  Variable(state.skipped),       Variable(report)};
  if (options.ema > 0) result.emplace_back(state.average);
  return result;
}

// Algorithm 1 of Adam's paper; with weight decay algorithm 2 of AdamW's, in the order of torch.optim.AdamW.
std::vector<Tensor> reference(const std::vector<Tensor>& in, const AdamOptions& options) {
  std::vector<double> p = in[0].to_vector<double>(), average = p, m(p.size()), v(p.size());
  const auto grads = in[1].to_vector<double>(), losses = in[2].to_vector<double>();
  std::vector<double> report;
  int64_t t = 0, skipped = 0;
  for (size_t step = 0; step < 3; ++step) {
    double squares = 0;
    for (size_t i = 0; i < p.size(); ++i) squares += grads[step * p.size() + i] * grads[step * p.size() + i];
    skipped = std::isfinite(squares) && std::isfinite(losses[step]) ? 0 : skipped + 1;
    if (step == 1) report = {losses[step], std::sqrt(squares), static_cast<double>(skipped)};
    if (skipped > 0) continue;
    ++t;
    const double norm = std::sqrt(squares), scale = options.clip > 0 ? std::min(1.0, options.clip / (norm + 1e-6)) : 1;
    for (size_t i = 0; i < p.size(); ++i) {
      const double g = grads[step * p.size() + i] * scale;
      m[i] = 0.9 * m[i] + 0.1 * g;
      v[i] = 0.999 * v[i] + 0.001 * g * g;
      const double m_hat = m[i] / (1 - std::pow(0.9, t)), v_hat = v[i] / (1 - std::pow(0.999, t));
      p[i] -= lr * options.weight_decay * p[i];
      p[i] -= lr * m_hat / (std::sqrt(v_hat) + 1e-8);
      const double decay = std::min(options.ema, (1.0 + t) / (10.0 + t));
      average[i] = decay * average[i] + (1 - decay) * p[i];
    }
  }
  const int64_t count = in[0].numel();
  std::vector<Tensor> result = {Tensor::from(p, {count}), Tensor::from(m, {count}), Tensor::from(v, {count}),
                                integers({t}, {1}),       integers({skipped}, {1}), Tensor::from(report, {3})};
  if (options.ema > 0) result.push_back(Tensor::from(average, {count}));
  return result;
}

Example example(const std::string& name, int64_t count, const AdamOptions& options, double last_loss = 0.5) {
  return {name,
          {random_tensor({count}, 1), random_tensor({3, count}, 2), Tensor::from<double>({-3, 7, last_loss}, {3})},
          [options](const auto& in) { return three_updates(in, options); },
          [options](const auto& in) { return reference(in, options); },
          {},
          /*check_grad=*/false,
          1e-12,
          1e-6};
}

Example with_last_gradient(Example example, double value) {
  Tensor& grads = example.inputs[1];
  grads.mutable_data<double>()[grads.numel() - 1] = value;
  return example;
}

std::vector<Benchmark> benchmarks(int64_t) {
  using namespace paper;
  const auto flat = [](uint64_t which) { return random_tensor({network_parameters}, which, DType::float64, 0.1, 1); };
  // Updates its first three inputs in place. The first call makes the rest of the state and is not timed.
  const auto update = [state = std::optional<AdamState>(), norm = Tensor(), loss = Tensor()](const auto& in) mutable {
    if (!state) {
      state = fresh_state(in[0].value());
      state->parameters = in[0].value(), state->first_moment = in[1].value(), state->second_moment = in[2].value();
      norm = l2_norm(in[3].value());
      loss = Tensor::zeros({1}, DType::float32, norm.stream());
    }
    adam(*state, in[3].value(), norm, loss, {});
    return std::vector{in[0], in[1], in[2]};
  };
  return {benchmark({"", {flat(1), flat(2), flat(3), flat(4)}, update, {}, {}, /*check_grad=*/false}, 14)};
}

}  // namespace

Case adam_case() {
  return {"adam",
          benchmarks,
          {example("1", 1, {}), example("37_clipped", 37, {.clip = 0.5}), example("37_unclipped", 37, {.clip = 0}),
           example("40000_clipped", 40000, {}), example("37_weight_decay", 37, {.weight_decay = 0.3}),
           example("37_ema", 37, {.ema = 0.2}), example("40000_young_ema", 40000, {.ema = 0.999}),
           example("5_ema_last_loss_nan", 5, {.ema = 0.9}, nan),
           with_last_gradient(example("5_last_gradient_nan", 5, {}), nan), example("5_last_loss_nan", 5, {}, nan)},
          {{"[adam] expected flat buffers of shape (4)",
            [] {
              AdamState state = fresh_state(random_tensor({3}, 1));
              adam(state, random_tensor({4}, 2), Tensor::full({1}, 1, DType::float64),
                   Tensor::zeros({1}, DType::float64), {});
            }},
           {"[adam] expected an average where ema is above 0 alone, got ema 0.5", [] {
              AdamState state = fresh_state(random_tensor({3}, 1));
              adam(state, random_tensor({3}, 2), Tensor::full({1}, 1, DType::float64),
                   Tensor::zeros({1}, DType::float64), {.ema = 0.5});
            }}}};
}

}  // namespace sunder::cases
