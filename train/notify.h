// The command that is run when a run has ended (train.notify).
#pragma once

#include <functional>

#include "train/options.h"

namespace sunder {

inline constexpr double notify_seconds = 60;  // then the command is killed

// Runs `body`, then the command, by /bin/sh in the run folder, with SUNDER_RUN (the folder), SUNDER_EXIT (the exit
// code) and SUNDER_SUMMARY (results.md, or the error) in its environment; also where `body` throws. A command that
// fails is a warning in the log. Returns or throws what `body` does.
int with_notification(const RunOptions& options, const std::function<int()>& body);

}  // namespace sunder
