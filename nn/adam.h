// Adam over a network's flat buffers, with clipping by the total L2 norm and a guard against gradients that are not
// finite.
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

  // One update with the gradients that backward() left of `loss` (one element). If it or the gradients' L2 norm is not
  // finite nothing changes but skipped(). Waits for nothing.
  void step(const Tensor& loss);
  // Forgets moments and step count, as a new optimiser would.
  void restart();
  void set_learning_rate(double learning_rate);

  int64_t steps() const { return static_cast<int64_t>(state_.step.item()); }
  int64_t skipped() const { return static_cast<int64_t>(state_.skipped.item()); }  // in a row, up to now
  // (3) float64 on the parameters' device: the latest step's loss, norm before clipping, and skipped().
  const Tensor& report() const { return state_.report; }

  // Everything a checkpoint has to keep: exp_avg.<name>, exp_avg_sq.<name> and the counters.
  std::map<std::string, Tensor> state_dict() const;
  // Throws ModelError naming the first tensor that is missing or of another shape.
  void load_state_dict(const std::map<std::string, Tensor>& tensors, const std::string& source);

 private:
  const Parameters& parameters_;
  AdamOptions options_;
  AdamState state_;
};

}  // namespace sunder
