// Adam over a network's flat parameter buffer, with gradient clipping by total L2 norm. A step that is not finite is
// skipped.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "files/settings.h"
#include "nn/module.h"
#include "tensor/ops/adam.h"

namespace sunder {

struct AdamConfig : AdamOptions {
  double lr = 1e-3;
  std::string freeze;  // patterns of names, for Adam::freeze
};
Fields fields(AdamConfig& config);

class Adam {
 public:
  Adam(const Parameters& parameters, double learning_rate, const AdamOptions& options);

  // One update with the gradients that backward() computed for `loss` (one element). If the loss or the gradients' L2
  // norm is not finite, only skipped() changes. Does not synchronise.
  void step(const Tensor& loss);
  // Updates these parameters of the state dict no more: they keep their present values, or those loaded before
  // load_state_dict, to the bit, and their gradients count as zero. Called before the first step.
  void freeze(const std::vector<std::string>& names);
  // Resets the moments, the step count and the average (to the present weights), like a new optimiser.
  void restart();
  void set_learning_rate(double learning_rate);

  int64_t steps() const { return static_cast<int64_t>(state_.step.item()); }
  int64_t skipped() const { return static_cast<int64_t>(state_.skipped.item()); }  // consecutive, up to now
  // (P) the average of the weights, like Parameters::values(); undefined without AdamOptions::ema.
  const Tensor& average() const { return state_.average; }
  // (3) float64 on the parameters' device: the latest step's loss, norm before clipping, and skipped().
  const Tensor& report() const { return state_.report; }

  // What a checkpoint stores: exp_avg.<name>, exp_avg_sq.<name> and the counters; not the average.
  std::map<std::string, Tensor> state_dict() const;
  // Throws ModelError naming the first tensor that is missing or has another shape or dtype.
  void load_state_dict(const std::map<std::string, Tensor>& tensors, const std::string& source);

 private:
  struct Frozen {  // a range of the buffers
    Tensor gradients, values, average, kept;
  };

  const Parameters& parameters_;
  AdamOptions options_;
  AdamState state_;
  double learning_rate_ = -1;  // the one in state_
  Tensor one_;
  std::vector<Frozen> frozen_;
};

// During its lifetime the parameters are the average.
class AveragedWeights {
 public:
  AveragedWeights(const Parameters& parameters, const Adam& adam);
  ~AveragedWeights();
  AveragedWeights(const AveragedWeights&) = delete;
  AveragedWeights& operator=(const AveragedWeights&) = delete;

 private:
  const Parameters& parameters_;
  const Tensor kept_;
};

}  // namespace sunder
