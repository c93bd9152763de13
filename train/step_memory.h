// Predicts the memory of a training step.
#pragma once

#include <optional>

#include "train/step_runner.h"

namespace sunder {

// Bytes that the pool, or a graph's arena, will hold for a step beyond what is in use now. Runs forward and backward on
// the first sixth, third and half of the signals (about the time of one step), without side effects. The size of every
// block is a polynomial of second degree in their length: attention scores are quadratic. inputs: as for
// StepRunner::run, on the host; those whose last axis has `samples` elements are cut. Returns nothing if a sixth is
// shorter than `shortest` samples or allocations depend on the length in another way.
std::optional<size_t> predict_step_memory(const Parameters& parameters, const std::vector<Tensor>& inputs,
                                          int64_t samples, int64_t shortest, const StepTask::Loss& loss);

}  // namespace sunder
