// A network in training: its weights, Adam, and the steps on one device.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "nn/adam.h"
#include "nn/architectures.h"
#include "tensor/cuda/runtime.h"
#include "train/checkpoint.h"
#include "train/initial_weights.h"
#include "train/step_runner.h"

namespace sunder {

struct LearnerOptions {
  std::string device = "cpu", precision = "fp32", graph = "auto";  // the values of --device, --precision and --graph
  uint64_t seed = 0;                                               // of the weights
  // Initial weights instead: a checkpoint, a run (its best checkpoint) or a .safetensors file.
  std::string init{};
  bool init_partial = false;  // takes the tensors that match alone
};

class Learner {
 public:
  // Throws UsageError (for patterns of adam.freeze that match nothing, too), DeviceError, OutOfMemory, and ModelError
  // for weights of another network.
  Learner(const SeparatorConfig& network, const AdamConfig& adam, const LearnerOptions& options);

  Separator& network() const { return *network_; }
  const Parameters& parameters() const { return network_->parameters(); }
  Adam& adam() { return adam_; }
  StepRunner& runner() { return runner_; }
  Stream stream() const { return stream_.get(); }
  const Precision& precision() const { return precision_; }
  // Hz, of the model that the initial weights are from; none without one or where it does not say.
  std::optional<int> initial_rate() const { return initial_.sample_rate; }
  // Sentences on the initial weights and on what is frozen, for the log.
  const std::vector<std::string>& notes() const { return notes_; }

  // Weights, moments and counters. With an average of the weights (AdamOptions::ema) that is what the model file holds,
  // and the weights are in the optimizer file.
  void save(CheckpointData& data) const;
  void load(const CheckpointData& data, const std::string& source);

 private:
  cuda::OwnedStream stream_;  // constructed first, destroyed last: all tensors are on it
  Precision precision_;
  std::unique_ptr<Separator> network_;
  Adam adam_;
  StepRunner runner_;
  InitialWeights initial_;
  std::vector<std::string> notes_;
};

}  // namespace sunder
