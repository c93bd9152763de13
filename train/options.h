// The command line that all programs share: flags, environment, help, and the way from an exception to an exit code.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "train/config.h"

namespace CLI {
class App;
}

namespace sunder {

// Thrown where --help, --version or --print-config was given: run_main prints the text and ends with 0.
struct HelpRequested {
  std::string text;
};

// Runs a program's body and returns its exit code. An Error becomes "name: message" on stderr and its exit code; out of
// memory is 6, anything else 1. A file that grows past a limit or a closed pipe is an error, never a silent death.
int run_main(const std::string& name, const std::function<int()>& body);

// Parses into the options that `app` holds, its subcommands included. Every --long-flag that is not given is taken from
// SUNDER_LONG_FLAG where that is set. `examples` (two command lines) and the exit codes end the help text. Throws
// UsageError (for an unknown flag with the nearest known one) or HelpRequested.
void parse_command_line(CLI::App& app, int argc, const char* const* argv, const std::string& examples);

std::string version();  // "0.1.0"

struct RunOptions {
  Config config;
  std::filesystem::path output;
  std::string resume = "none";  // "none", "auto" or a checkpoint or run folder
};

// The flags of a training program. The configuration comes from the defaults, the recipe (--config; without it, when
// resuming, the run folder's config.toml), the environment, --set and the flags, each over the one before. A relative
// --data is made absolute, so that a run can be resumed from any folder. Throws UsageError, InputError, HelpRequested.
RunOptions parse_run_options(const std::string& name, const std::string& summary, int argc, const char* const* argv);

}  // namespace sunder
