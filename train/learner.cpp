#include "train/learner.h"

#include "train/freeze.h"

namespace sunder {
namespace {

cuda::GraphUse graph_use(const LearnerOptions& options) {
  if (options.graph == "on" && options.device == "cpu")
    throw UsageError("train.graph: expected auto or off on the CPU, which has no graphs, got on");
  return options.graph == "off"  ? cuda::GraphUse::off
         : options.graph == "on" ? cuda::GraphUse::required
                                 : cuda::GraphUse::where_possible;
}

// Names of raw weights in the optimizer file, where the model file holds their average.
constexpr const char* weights_prefix = "weights.";

}  // namespace

Learner::Learner(const SeparatorConfig& network, const AdamConfig& adam, const LearnerOptions& options)
    : stream_(parse_device(options.device)),
      precision_(parse_precision(options.precision, stream_.get().device)),
      network_(network.make(precision_, stream_.get(), options.seed)),
      adam_(network_->parameters(), adam.lr, adam),
      runner_(network_->parameters(), adam_, graph_use(options)) {
  if (!options.init.empty()) {
    initial_ = load_initial_weights(parameters(), options.init, options.init_partial);
    notes_ = initial_.report;
    adam_.restart();  // the average begins with these weights
  }
  if (adam.freeze.empty()) return;
  const std::vector<std::string> frozen = matching_parameters(adam.freeze, parameters());
  adam_.freeze(frozen);
  notes_.push_back(describe_frozen(frozen, parameters()));
}

void Learner::save(CheckpointData& data) const {
  const Parameters& own = network_->parameters();
  data.model.tensors = own.state_dict();
  data.model.metadata = network_->metadata();
  data.optimizer.tensors = adam_.state_dict();
  if (!adam_.average().defined()) return;
  for (const auto& [name, tensor] : own.state_dict()) data.optimizer.tensors[weights_prefix + name] = tensor;
  data.model.tensors = own.named(adam_.average());
  data.model.metadata["weights"] = "exponential moving average over the steps of training (optim.ema)";
}

void Learner::load(const CheckpointData& data, const std::string& source) {
  parameters().load_state_dict(data.model.tensors, source);
  if (adam_.average().defined()) {
    adam_.average().copy_from(parameters().values());
    std::map<std::string, Tensor> weights;
    for (const auto& [name, tensor] : data.optimizer.tensors)
      if (name.starts_with(weights_prefix)) weights[name.substr(std::string(weights_prefix).size())] = tensor;
    parameters().load_state_dict(weights, source + ": the weights in optimizer.safetensors");
  }
  adam_.load_state_dict(data.optimizer.tensors, source);
}

}  // namespace sunder
