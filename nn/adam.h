// Adam over a network's flat parameter buffer, with gradient clipping by total L2 norm. A step that is not finite is
// skipped.
#pragma once

#include <map>
#include <string>

#include "files/settings.h"
#include "nn/module.h"
#include "tensor/ops/adam.h"

namespace sunder {

struct AdamConfig : AdamOptions {
  double lr = 1e-3;
};
Fields fields(AdamConfig& config);

class Adam {
 public:
  Adam(const Parameters& parameters, double learning_rate, const AdamOptions& options);

  // One update with the gradients that backward() computed for `loss` (one element). If the loss or the gradients' L2
  // norm is not finite, only skipped() changes. Does not synchronise.
  void step(const Tensor& loss);
  // Resets the moments and the step count, like a new optimiser.
  void restart();
  void set_learning_rate(double learning_rate);

  int64_t steps() const { return static_cast<int64_t>(state_.step.item()); }
  int64_t skipped() const { return static_cast<int64_t>(state_.skipped.item()); }  // consecutive, up to now
  // (3) float64 on the parameters' device: the latest step's loss, norm before clipping, and skipped().
  const Tensor& report() const { return state_.report; }

  // Everything that a checkpoint stores: exp_avg.<name>, exp_avg_sq.<name> and the counters.
  std::map<std::string, Tensor> state_dict() const;
  // Throws ModelError naming the first tensor that is missing or has another shape or dtype.
  void load_state_dict(const std::map<std::string, Tensor>& tensors, const std::string& source);

 private:
  const Parameters& parameters_;
  AdamOptions options_;
  AdamState state_;
  double learning_rate_ = -1;  // the one in state_
  Tensor one_;
};

}  // namespace sunder
