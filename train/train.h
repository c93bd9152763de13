// One training run of any method: epochs of steps, validations and checkpoints.
#pragma once

#include "train/method.h"
#include "train/options.h"

namespace sunder {

// Trains until train.max_epochs, max_minutes or patience is reached, the learning rate has fallen to optim.min_lr, or a
// signal arrives (command/signals.h), and then notifies (train/notify.h); or rehearses it (train/dry_run.h). Returns
// the exit code: 0, or 75 after a signal, when a checkpoint was saved. Throws the errors of everything it opens, and
// DivergedError.
int train(const RunOptions& options, const MethodDefinition& method);

// Joins the other processes of the launch, if there are any, only to tell them why this one ends.
void end_all_ranks(const std::string& why) noexcept;

}  // namespace sunder
