// How much memory a training step will take, before it is taken.
#pragma once

#include <optional>

#include "train/step_runner.h"

namespace sunder {

// Bytes that the pool, or a graph's arena, will hold for a step beyond what is in use now. The step runs forward and
// backward on the first sixth, third and half of its signals (about the time of one step) and leaves no trace; every
// block is a polynomial of second degree in their length, attention's scores being the square. inputs: as
// StepRunner::run wants them, on the host; those whose last axis has `samples` elements are cut. Nothing where a sixth
// is shorter than `shortest` samples, or where what is allocated depends on the length in another way.
std::optional<size_t> predict_step_memory(const Parameters& parameters, const std::vector<Tensor>& inputs,
                                          int64_t samples, int64_t shortest, const StepTask::Loss& loss);

// How far a prediction may be off, relative; a test compares it with steps that were run.
inline constexpr double step_memory_error = 0.1;

}  // namespace sunder
