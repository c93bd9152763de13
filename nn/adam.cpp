#include "nn/adam.h"

#include <algorithm>
#include <limits>

#include "tensor/ops/l2_norm.h"
#include "tensor/ops/pointwise.h"

namespace sunder {

Fields fields(AdamConfig& c) {
  return {
      number("lr", &c.lr, 0, 1e6, "Adam's learning rate"),
      below(number("beta1", &c.beta1, 0, 1, "Adam's decay rate of the first moment")),
      below(number("beta2", &c.beta2, 0, 1, "Adam's decay rate of the second moment")),
      // Of a parameter that has never had a gradient, an update is 0 / eps, in float32.
      number("eps", &c.eps, 1e-30, 1, "Adam's epsilon"),
      number("weight_decay", &c.weight_decay, 0, 1e6, "AdamW's decoupled weight decay; 0: plain Adam"),
      below(number("ema", &c.ema, 0, 1,
                   "decay rate of the average of the weights (EMA), which then is what best is chosen by; 0: none")),
      text("freeze", &c.freeze,
           "parameters that are not trained, as patterns of their names: \"encoder.*,*.bias\"; empty: none"),
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
  if (options.ema > 0) state_.average = Tensor::empty_like(values);
  one_ = Tensor::full({1}, 1, values.dtype(), values.stream());
  set_learning_rate(learning_rate);
  restart();
}

// Weight decay changes values that have no gradient, and their average follows.
void Adam::step(const Tensor& loss) {
  for (const Frozen& range : frozen_) range.gradients.zero();
  adam(state_, parameters_.gradients(), l2_norm(parameters_.gradients()), loss, options_);
  for (const Frozen& range : frozen_) {
    range.values.copy_from(range.kept);
    if (range.average.defined()) range.average.copy_from(range.kept);
  }
}

void Adam::freeze(const std::vector<std::string>& names) {
  const Tensor& values = parameters_.values();
  struct Piece {
    int64_t begin, end;
    bool frozen;
  };
  std::vector<Piece> pieces;
  for (const auto& [name, tensor] : parameters_.state_dict()) {
    const int64_t begin = (tensor.raw() - values.raw()) / static_cast<int64_t>(size_of(values.dtype()));
    pieces.push_back({begin, begin + tensor.numel(), std::ranges::find(names, name) != names.end()});
  }
  std::ranges::sort(pieces, {}, &Piece::begin);
  frozen_.clear();
  for (size_t i = 0; i < pieces.size(); ++i) {  // neighbours are one range, with the padding between them
    if (!pieces[i].frozen) continue;
    const size_t first = i;
    while (i + 1 < pieces.size() && pieces[i + 1].frozen) ++i;
    const auto range = [begin = pieces[first].begin, end = pieces[i].end](const Tensor& flat) {
      return flat.defined() ? flat.slice(begin, end) : Tensor();
    };
    frozen_.push_back({range(parameters_.gradients()), range(values), range(state_.average), range(values).clone()});
  }
}

void Adam::restart() {
  for (const Tensor* tensor : {&state_.first_moment, &state_.second_moment, &state_.step, &state_.skipped})
    tensor->zero();
  if (state_.average.defined()) state_.average.copy_from(parameters_.values());
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
  for (const Frozen& range : frozen_) range.kept.copy_from(range.values);
}

AveragedWeights::AveragedWeights(const Parameters& parameters, const Adam& adam)
    : parameters_(parameters), kept_(parameters.values().clone()) {
  parameters_.values().copy_from(adam.average());
}

AveragedWeights::~AveragedWeights() {
  try {
    parameters_.values().copy_from(kept_);
  } catch (const Error&) {  // the device is lost, and so are the weights: whoever reads them next is told
  }
}

}  // namespace sunder
