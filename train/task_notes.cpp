#include "train/task_notes.h"

#include "tensor/memory.h"
#include "train/step_memory.h"

namespace sunder {

void TaskNotes::before(const Task& task, const std::vector<Tensor>& inputs, int64_t samples, Learner& learner,
                       Log& log) {
  if (!announced_.insert(task.step.id()).second) return;
  const auto bytes = predict_step_memory(learner.parameters(), inputs, samples, learner.network().shortest_input(),
                                         [&](const std::vector<Tensor>& in) { return task.step.loss(in); });
  if (!bytes) return;
  const auto now = static_cast<double>(memory_stats(learner.stream().device).bytes_in_use);
  log.info("{}: a step will need about {:.2f} GB of memory, {:.2f} GB with the parameters and loaded data", task.name,
           static_cast<double>(*bytes) * 1e-9, (static_cast<double>(*bytes) + now) * 1e-9);
}

void TaskNotes::after(const Task& task, const std::vector<Tensor>& inputs, Learner& learner, Log& log) {
  if (const cuda::GraphSize size = learner.runner().graph_size(); size != graph_size_) {
    graph_size_ = size;
    size_t bytes = 0;
    for (const Tensor& input : inputs) bytes += input.bytes();
    if (size.total() > 0)
      log.info(
          "{}: a step is one CUDA graph of {} kernels, {} copies and {} fills; {} bytes to the device, {} bytes back",
          task.name, size.kernels, size.copies, size.fills, bytes, learner.adam().report().bytes());
  }
  if (const std::string why = learner.runner().not_captured();
      !why.empty() && uncaptured_.insert(task.step.id()).second)
    log.warn("{}: a step cannot be captured as a CUDA graph and is launched kernel by kernel: {}", task.name, why);
}

}  // namespace sunder
