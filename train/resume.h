// Saving and resuming a run.
#pragma once

#include "train/learner.h"
#include "train/method.h"
#include "train/options.h"
#include "train/run.h"
#include "train/selection.h"

namespace sunder {

// The state of a run that a checkpoint stores.
struct TrainingState {
  Learner& learner;
  Position& position;
  Selection& selection;
  Method& method;
};

CheckpointData checkpoint_data(const TrainingState& state, const Config& config, const std::string& method_name,
                               int sample_rate);

// Restores everything from a checkpoint. Throws ModelError for one of another method, other values of fixed keys or
// another network. Keys that changed are logged.
void restore(const TrainingState& state, const Checkpoint& checkpoint, const Config& config,
             const std::string& method_name, Log& log);

// Whether a checkpoint is in this run folder.
bool belongs_to(const Checkpoint& checkpoint, const std::filesystem::path& run_folder);

}  // namespace sunder
