// The command line of a training program: its flags and the configuration behind them.
#pragma once

#include <filesystem>
#include <string>

#include "command/command_line.h"
#include "train/config.h"

namespace sunder {

struct RunOptions {
  Config config;
  std::filesystem::path output;
  std::string resume = "none";  // "none", "auto" or a checkpoint or run folder
};

// run_main for a training program, with its advice.
int run_training(const std::string& name, const std::function<int()>& body);

// The flags of a training program. The configuration comes from the defaults, the recipe (--config; without it, when
// resuming, the run folder's config.toml), the environment, --set and the flags, each over the one before. A relative
// --data is made absolute, so that a run can be resumed from any folder. Throws UsageError, InputError, HelpRequested.
RunOptions parse_run_options(const std::string& name, const std::string& summary, int argc, const char* const* argv);

}  // namespace sunder
