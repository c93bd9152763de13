// The command line that all programs share: flags, environment, help, and the exit codes of exceptions.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "command/exit_codes.h"

namespace CLI {
class App;
}

namespace sunder {

// Thrown for --help, --version and --print-config; run_main prints the text and returns 0.
struct HelpRequested {
  std::string text;
};

// What the user can do about an error, as a clause that follows its message ("lower --batch"); empty for no advice.
using Advice = std::function<std::string(const Error&)>;

// Runs a program's body and returns its exit code. An Error becomes "name: message" on stderr, with the program's
// advice or a general one, and the exit code of its kind; std::bad_alloc counts as out of memory, any other exception
// as a failure. Writing beyond the file size limit or to a closed pipe is an error, not a fatal signal. Results that
// could not be printed (command/output.h) turn 0 into 1.
int run_main(const std::string& name, const std::function<int()>& body, const Advice& advice = {});

// Parses into the options of `app`, its subcommands included. A --long-flag that is not given is read from the
// environment variable SUNDER_LONG_FLAG, if set. The help text ends with `examples` (two command lines) and the exit
// codes. Throws UsageError (for an unknown flag with the nearest known one) or HelpRequested.
void parse_command_line(CLI::App& app, int argc, const char* const* argv, const std::string& examples);

// The same without the environment, for a program that applies it itself.
void parse_flags(CLI::App& app, int argc, const char* const* argv, const std::string& examples);

// Says on stderr which variables SUNDER_... of the environment are nearly, but not, one of the app's flags or of
// `keys`. Others may be another program's and are left alone.
void warn_of_misspelt_environment(const CLI::App& app, const std::vector<std::string>& keys = {});

std::string version();  // "0.1.0"

// The environment variable of a flag or a key, SUNDER_MAX_EPOCHS for "--max-epochs", SUNDER_OPTIM_LR for "optim.lr",
// and its value; empty where it is not set.
std::string environment_name(const std::string& name);
std::string environment(const std::string& name);

}  // namespace sunder
