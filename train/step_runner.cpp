#include "train/step_runner.h"

#include <atomic>
#include <utility>

#include "tensor/error.h"
#include "tensor/ops/binary.h"
#include "tensor/ops/pointwise.h"

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

void StepRunner::accumulate(int64_t parts, bool mean) {
  parts_ = parts;
  share_ = mean ? 1 / static_cast<double>(parts) : 1;
  one_ = Tensor::full({}, share_, parameters_.gradients().dtype(), parameters_.values().stream());
}

// Where a step has several parts, what one needs is free before the next begins.
Tensor StepRunner::add_gradients(const StepTask& task, const std::vector<Tensor>& inputs) const {
  const size_t each = inputs.size() / static_cast<size_t>(parts_);
  Tensor total;
  for (size_t first = 0; first < inputs.size(); first += each) {
    const auto begin = inputs.begin() + static_cast<std::ptrdiff_t>(first);
    const Variable value = task.loss({begin, begin + static_cast<std::ptrdiff_t>(each)});
    backward(value, one_);
    total = total.defined() ? add(total, value.value()) : value.value();
  }
  return share_ == 1 ? total : scale(total, share_);
}

void StepRunner::share(Communicator& ranks, bool mean) {
  SUNDER_ASSERT(!pipeline_);
  gradient_sum_.emplace(ranks, parameters_.gradients());
  if (mean) share_ /= ranks.size();
  one_ = Tensor::full({}, share_, one_.dtype(), one_.stream());
}

void StepRunner::run(const StepTask& task, const std::vector<Tensor>& inputs) {
  whole_ = false;
  const auto step = [&](const std::vector<Tensor>& on_device) {
    whole_ = true;  // until Adam, a failure (memory, as a rule) leaves them as they were
    parameters_.zero_grad();
    const Tensor value = add_gradients(task, on_device);
    const Tensor loss = gradient_sum_ ? (*gradient_sum_)(parameters_.gradients(), value) : value;
    whole_ = false;
    adam_.step(loss);
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
