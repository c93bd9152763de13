// Saving and resuming a run.
#pragma once

#include "train/data_identity.h"
#include "train/learner.h"
#include "train/method.h"
#include "train/options.h"
#include "train/run.h"
#include "train/schedule.h"
#include "train/selection.h"

namespace sunder {

// The state of a run that a checkpoint stores.
struct TrainingState {
  Learner& learner;
  Position& position;
  Selection& selection;
  Schedule& schedule;
  Method& method;
  const DataIdentity& data;
};

CheckpointData checkpoint_data(const TrainingState& state, const Config& config, const std::string& method_name);

// Restores everything from a checkpoint. Throws ModelError for one of another method, other values of fixed keys,
// another network or, unless options.changed_data, other data. What changed is logged.
void restore(const TrainingState& state, const Checkpoint& checkpoint, const RunOptions& options,
             const std::string& method_name, Log& log);

// Throws ModelError for initial weights of a network for another sample rate, unless options.changed_data.
void check_initial_rate(const Learner& learner, const DataIdentity& data, const RunOptions& options);

}  // namespace sunder
