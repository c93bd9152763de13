// Separates one recording, block by block.
#pragma once

#include <optional>
#include <vector>

#include "nn/separation_stream.h"
#include "programs/separate_inputs.h"
#include "programs/separate_outputs.h"

namespace sunder {

// What is known of a recording when it is separated.
struct SeparateResult {
  int sample_rate = 0;  // Hz
  int64_t frames = 0;
  double wall_seconds = 0;
  bool silent = false;
  Level mixture;  // of the (first) channel that was separated
  std::vector<SeparateOutputs::Voice> voices;
  int64_t clipped = 0;                         // samples of the outputs
  std::vector<Seam> seams;                     // at the recording's rate
  std::optional<int64_t> active;               // outputs of the network, with --num-sources
  std::vector<std::vector<int64_t>> groups{};  // with --num-sources: outputs of the network in each voice
};

Chunks chunks_of(const SeparateOptions& options, int sample_rate);

// Writes the voices and the picture, prints their names, says on stderr what is odd. `progress` is called with the
// seconds that are done. Throws Error.
SeparateResult separate_recording(const SeparateOptions& options, const LoadedModel& model, const SeparateInput& input,
                                  const std::function<void(double)>& progress);

void complain(const std::string& message);  // on stderr

}  // namespace sunder
