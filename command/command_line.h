// The command line that all programs share: flags, environment, help, and the way from an exception to an exit code.
#pragma once

#include <functional>
#include <string>

#include "command/exit_codes.h"

namespace CLI {
class App;
}

namespace sunder {

// Thrown where --help, --version or --print-config was given: run_main prints the text and ends with 0.
struct HelpRequested {
  std::string text;
};

// What the user can do about an error, as a clause that follows its message ("lower --batch"); empty where there is
// nothing to say.
using Advice = std::function<std::string(const Error&)>;

// Runs a program's body and returns its exit code. An Error becomes "name: message" on stderr, with the program's
// advice or a general one, and the exit code of its kind; std::bad_alloc counts as out of memory, any other exception
// as a failure. A file that grows past a limit or a closed pipe is an error, never a silent death.
int run_main(const std::string& name, const std::function<int()>& body, const Advice& advice = {});

// Parses into the options that `app` holds, its subcommands included. Every --long-flag that is not given is taken from
// SUNDER_LONG_FLAG where that is set. `examples` (two command lines) and the exit codes end the help text. Throws
// UsageError (for an unknown flag with the nearest known one) or HelpRequested.
void parse_command_line(CLI::App& app, int argc, const char* const* argv, const std::string& examples);

// The same without the environment, for a program that orders its sources itself.
void parse_flags(CLI::App& app, int argc, const char* const* argv, const std::string& examples);

std::string version();  // "0.1.0"

// The environment variable of a flag, SUNDER_MAX_EPOCHS for "--max-epochs", and its value; empty where it is not set.
std::string environment_name(const std::string& flag);
std::string environment(const std::string& flag);

}  // namespace sunder
