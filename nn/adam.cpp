#include "nn/adam.h"

#include <limits>

#include "tensor/ops/l2_norm.h"
#include "tensor/ops/pointwise.h"

namespace sunder {

Fields fields(AdamConfig& c) {
  return {number("lr", &c.lr, 0, 1e6, "Adam's learning rate"),
          below(number("beta1", &c.beta1, 0, 1, "Adam's decay rate of the first moment")),
          below(number("beta2", &c.beta2, 0, 1, "Adam's decay rate of the second moment")),
          // Of a parameter that has never had a gradient, an update is 0 / eps, in float32.
          number("eps", &c.eps, 1e-30, 1, "Adam's epsilon"),
          number("weight_decay", &c.weight_decay, 0, 1e6, "AdamW's decoupled weight decay; 0: plain Adam"),
          number("clip", &c.clip, 0, no_limit, "gradient clipping: largest total L2 norm; 0: no clipping")};
}

Adam::Adam(const Parameters& parameters, double learning_rate, const AdamOptions& options)
    : parameters_(parameters), options_(options) {
  const Tensor& values = parameters.values();
  state_.parameters = values;
  state_.first_moment = Tensor::empty_like(values);
  state_.second_moment = Tensor::empty_like(values);
  state_.step = Tensor::empty({1}, DType::int64, values.stream());
  state_.skipped = Tensor::empty({1}, DType::int64, values.stream());
  state_.report = Tensor::zeros({3}, DType::float64, values.stream());
  state_.learning_rate = Tensor::empty({1}, values.dtype(), values.stream());
  one_ = Tensor::full({1}, 1, values.dtype(), values.stream());
  set_learning_rate(learning_rate);
  restart();
}

void Adam::step(const Tensor& loss) {
  adam(state_, parameters_.gradients(), l2_norm(parameters_.gradients()), loss, options_);
}

void Adam::restart() {
  for (const Tensor* tensor : {&state_.first_moment, &state_.second_moment, &state_.step, &state_.skipped})
    tensor->zero();
}

void Adam::set_learning_rate(double learning_rate) {
  if (learning_rate == learning_rate_) return;
  learning_rate_ = learning_rate;
  // In place: a captured step keeps reading the same memory. By a kernel, which waits for no earlier step.
  state_.learning_rate.copy_from(scale(one_, learning_rate));
}

std::map<std::string, Tensor> Adam::state_dict() const {
  std::map<std::string, Tensor> result{{"step", state_.step}, {"skipped", state_.skipped}};
  for (const auto& [name, tensor] : parameters_.named(state_.first_moment)) result["exp_avg." + name] = tensor;
  for (const auto& [name, tensor] : parameters_.named(state_.second_moment)) result["exp_avg_sq." + name] = tensor;
  return result;
}

void Adam::load_state_dict(const std::map<std::string, Tensor>& tensors, const std::string& source) {
  for (const auto& [name, tensor] : state_dict()) {
    const auto found = tensors.find(name);
    if (found == tensors.end()) throw_error<ModelError>("{}: expected a tensor {}, found none", source, name);
    if (found->second.shape() != tensor.shape() || found->second.dtype() != tensor.dtype())
      throw_error<ModelError>("{}: expected {} as {}, found {}", source, name, describe(tensor),
                              describe(found->second));
    const bool is_sum = name.starts_with("exp_avg_sq.") || tensor.dtype() == DType::int64;  // of squares, a count
    check_values(found->second, name, source, is_sum ? 0 : -std::numeric_limits<double>::infinity());
  }
  for (const auto& [name, tensor] : state_dict()) tensor.copy_from(tensors.at(name));
}

}  // namespace sunder
