// Runs optimisation steps: forward, backward, clipping, Adam. On the CPU a step is done when run() returns. On CUDA it
// is queued, from the third step of its task on as one graph, and its loss arrives some steps later.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nn/adam.h"
#include "tensor/cuda/pipeline.h"
#include "train/gradient_sum.h"

namespace sunder {

struct StepResult {
  double loss;      // of all micro-batches: their sum or mean
  double norm;      // of the gradient, before clipping
  int64_t skipped;  // consecutive skipped updates, this one included: its loss or norm is not finite
};

// What a step computes.
class StepTask {
 public:
  // inputs: on the parameters' device. The result must depend on them and the parameters only: a graph captures one
  // call.
  using Loss = std::function<Variable(const std::vector<Tensor>& inputs)>;

  explicit StepTask(Loss loss);
  StepTask(const StepTask&) = delete;
  StepTask& operator=(const StepTask&) = delete;

  Variable loss(const std::vector<Tensor>& inputs) const { return loss_(inputs); }
  // Unique in the process: steps of one task and shape are the same graph.
  uint64_t id() const { return id_; }

 private:
  const Loss loss_;
  const uint64_t id_;
};

class StepRunner {
 public:
  // `graphs`: whether to capture the steps; on CUDA only.
  StepRunner(const Parameters& parameters, Adam& adam, cuda::GraphUse graphs);

  // From now on a step has `parts` micro-batches. Its gradients, and its loss, are their sums, or their means where the
  // loss is a mean over a batch (`mean`). Called before the first step.
  void accumulate(int64_t parts, bool mean);
  // From now on each step is one of all ranks: their gradients and losses are summed before Adam, or averaged where the
  // loss is a mean. On the CPU only. `ranks` must outlive the runner. Called after accumulate().
  void share(Communicator& ranks, bool mean);
  // One update. inputs: of all micro-batches, one after another; host tensors that need not outlive the call.
  void run(const StepTask& task, const std::vector<Tensor>& inputs);
  // The results that have arrived, oldest first, each once; `wait`: waits for all.
  std::vector<StepResult> results(bool wait);

  // False after run() threw in the middle of an update, or where it cannot tell.
  bool weights_are_whole() const { return whole_; }

  // Why steps of the current task are launched kernel by kernel although a graph was requested; else empty.
  std::string not_captured() const { return pipeline_ ? pipeline_->not_captured() : std::string(); }
  cuda::GraphSize graph_size() const { return pipeline_ ? pipeline_->graph_size() : cuda::GraphSize{}; }

 private:
  Tensor add_gradients(const StepTask& task, const std::vector<Tensor>& inputs) const;

  const Parameters& parameters_;
  Adam& adam_;
  int64_t parts_ = 1;
  double share_ = 1;  // of a micro-batch in the loss of the step, of all ranks
  Tensor one_;        // a micro-batch's gradient of that; a member, because a captured step cannot upload it
  std::optional<GradientSum> gradient_sum_;
  std::unique_ptr<cuda::Pipeline> pipeline_;
  std::vector<StepResult> finished_;  // on the CPU
  bool whole_ = true;
};

}  // namespace sunder
