// Log lines that appear once per task: the predicted memory of its step, and how it runs on a CUDA device.
#pragma once

#include <set>

#include "train/learner.h"
#include "train/log.h"
#include "train/method.h"

namespace sunder {

class TaskNotes {
 public:
  // Before a task's first step; inputs: of its first micro-batch. Signals in them have `samples` samples.
  void before(const Task& task, const std::vector<Tensor>& inputs, int64_t samples, Learner& learner, Log& log);
  // After each step: its graph, or why there is none.
  void after(const Task& task, const std::vector<Tensor>& inputs, Learner& learner, Log& log);

 private:
  std::set<uint64_t> announced_, uncaptured_;  // tasks
  cuda::GraphSize graph_size_;                 // of the graph in the latest note
};

}  // namespace sunder
