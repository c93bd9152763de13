// The command line of a training program: its flags and the configuration behind them.
#pragma once

#include <filesystem>
#include <string>

#include "command/command_line.h"
#include "train/method.h"

namespace sunder {

struct RunOptions {
  Config config;
  std::filesystem::path output;
  std::string resume = "none";  // "none", "auto" or a checkpoint or run folder
  bool dry_run = false;
  bool changed_data = false;  // a resumed run may have other mixtures, initial weights may be of another rate
};

// run_main for a training program, with its advice.
int run_training(const MethodDefinition& method, const std::function<int()>& body);

// The flags of a training program. The configuration comes from the defaults, the recipe (--config; without it, when
// resuming, the run folder's config.toml), the environment, --set and the flags; later sources override earlier ones. A
// relative --data is made absolute, so that a run can be resumed from any folder. Throws InputError, HelpRequested, and
// UsageError, also where keys contradict each other or the method.
RunOptions parse_run_options(const MethodDefinition& method, int argc, const char* const* argv);

}  // namespace sunder
