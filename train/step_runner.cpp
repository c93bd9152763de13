#include "train/step_runner.h"

#include <atomic>
#include <utility>

namespace sunder {
namespace {

StepResult result_of(const std::vector<double>& report) {
  return {report[0], report[1], static_cast<int64_t>(report[2])};
}

uint64_t next_id() {
  static std::atomic<uint64_t> last = 0;
  return ++last;
}

}  // namespace

StepTask::StepTask(Loss loss) : loss_(std::move(loss)), id_(next_id()) {}

StepRunner::StepRunner(const Parameters& parameters, Adam& adam, cuda::GraphUse graphs)
    : parameters_(parameters), adam_(adam) {
  const Stream stream = parameters.values().stream();
  one_ = Tensor::full({}, 1, parameters.gradients().dtype(), stream);
  if (stream.device.is_cuda()) pipeline_ = std::make_unique<cuda::Pipeline>(stream, graphs);
}

void StepRunner::run(const StepTask& task, const std::vector<Tensor>& inputs) {
  whole_ = false;
  const auto step = [&](const std::vector<Tensor>& on_device) {
    whole_ = true;  // until Adam, a failure (memory, as a rule) leaves them as they were
    parameters_.zero_grad();
    const Variable value = task.loss(on_device);
    backward(value, one_);
    whole_ = false;
    adam_.step(value.value());
  };
  if (pipeline_) {
    pipeline_->run(task.id(), inputs, step, adam_.report());
  } else {
    step(inputs);
    finished_.push_back(result_of(adam_.report().to_vector<double>()));
  }
  whole_ = true;
}

std::vector<StepResult> StepRunner::results(bool wait) {
  std::vector<StepResult> results = std::exchange(finished_, {});
  if (pipeline_)
    for (const std::vector<double>& report : pipeline_->arrived(wait)) results.push_back(result_of(report));
  return results;
}

}  // namespace sunder
