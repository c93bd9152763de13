#include "command/command_line.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <new>

#include "command/output.h"
#include "command/shipped_models.h"
#include "command/suggest.h"
#include "files/plain_message.h"
#include "files/safetensors.h"
#include "tensor/blas.h"
#include "tensor/error.h"
#include "tensor/simd.h"

namespace sunder {

namespace {

constexpr const char* exit_codes =
    "Exit codes: 0 done; 1 failed at run time; 2 usage; 3 input missing or corrupt; 4 checkpoint missing or\n"
    "incompatible; 5 diverged; 6 device missing or out of memory; 7 some files of a batch failed; 75 stopped by a\n"
    "signal (SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU) after a checkpoint, resume with --resume auto.";

void use_environment(CLI::App& app) {
  for (CLI::Option* option : app.get_options())
    if (!option->get_lnames().empty() && option != app.get_help_ptr() && option != app.get_version_ptr())
      option->envname(environment_name(option->get_lnames().front()));
  for (CLI::App* command : app.get_subcommands({})) use_environment(*command);
}

// Of the app and its commands, or of those that were given.
void collect_flags(const CLI::App& app, bool of_all_commands, std::vector<std::string>& flags) {
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  // Without a filter the list is of the commands that were given.
  if (of_all_commands) {
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
      collect_flags(*command, true, flags);
  } else {
    for (const CLI::App* command : app.get_subcommands()) collect_flags(*command, false, flags);
  }
}

// torch.load runs what the file says, so it is the user who trusts it. Asteroid's files hold the network's sizes too.
constexpr const char* pytorch_advice =
    R"(in Python, with torch and safetensors, these lines make one of a file that you trust:
  import torch, safetensors.torch
  saved = torch.load("FILE", map_location="cpu", weights_only=False)
  weights = saved.get("state_dict", saved.get("model", saved))
  weights = {k: v.contiguous().clone() for k, v in weights.items() if torch.is_tensor(v)}
  safetensors.torch.save_file(weights, "FILE.safetensors", {k: str(v) for k, v in saved.get("model_args", {}).items()})
and sunder-import makes a model of that)";

std::string advice_for(const Error& error, const Advice& of_program) {
  if (dynamic_cast<const blas::OutOfThreadMemory*>(&error)) return "; lower --threads or raise the limit";
  std::string text = of_program ? of_program(error) : "";
  if (text.empty()) {
    if (const auto* unknown = dynamic_cast<const UnknownName*>(&error)) return suggest(unknown->name, unknown->known);
    if (dynamic_cast<const DeviceMissing*>(&error)) text = "use --device cpu";
    if (dynamic_cast<const PyTorchFile*>(&error)) text = pytorch_advice;
  }
  return text.empty() ? "" : "; " + text;
}

}  // namespace

std::string environment_name(const std::string& name) {
  std::string variable = "SUNDER_";
  for (const char c : name.substr(name.find_first_not_of('-')))
    variable += c == '-' || c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return variable;
}

std::string environment(const std::string& name) {
  const char* text = std::getenv(environment_name(name).c_str());
  return text ? text : "";
}

int run_main(const std::string& name, const std::function<int()>& body, const Advice& advice) {
  open_standard_streams();
  std::signal(SIGXFSZ, SIG_IGN);  // a write beyond the limit then fails with EFBIG
  std::signal(SIGPIPE, SIG_IGN);  // and one to a pipe that nobody reads with EPIPE
  const auto complain = [&](const std::string& message) { print_message("{}: {}\n", name, message); };
  int code = exit_failed;
  try {
    check_simd_choice();
    code = body();
  } catch (const HelpRequested& help) {
    print_result("{}", help.text);
    code = exit_done;
  } catch (const Error& error) {
    complain(error.what() + advice_for(error, advice));
    code = exit_code(error.kind());
  } catch (const std::bad_alloc&) {
    const OutOfMemory error("out of memory", 0);
    complain(error.what() + advice_for(error, advice));
    code = exit_code(error.kind());
  } catch (const std::exception& error) {
    complain(plain_message(error));
  }
  if (const std::string reason = lost_results(); !reason.empty()) {
    complain(fmt::format("standard output: cannot be written: {}", reason));
    if (code == exit_done) code = exit_failed;
  }
  return code;
}

void parse_flags(CLI::App& app, int argc, const char* const* argv, const std::string& examples) {
  app.footer(fmt::format("Examples:\n{}\n\n{}", examples, exit_codes));
  app.set_version_flag("--version", "sunder " + version());
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    throw HelpRequested{app.help()};
  } catch (const CLI::CallForVersion& version_text) {
    throw HelpRequested{std::string(version_text.what()) + "\n"};
  } catch (const CLI::ExtrasError&) {
    const std::string extra = app.remaining(true).front();
    const std::string flag = extra.substr(0, extra.find('='));
    if (flag.empty() || flag[0] != '-') throw_error<UsageError>("unexpected argument '{}'", extra);
    std::vector<std::string> flags;
    collect_flags(app, /*of_all_commands=*/false, flags);
    throw_error<UsageError>("unknown flag '{}'{}", flag, suggest(flag, flags));
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what());
  }
}

void parse_command_line(CLI::App& app, int argc, const char* const* argv, const std::string& examples) {
  use_environment(app);
  warn_of_misspelt_environment(app);
  parse_flags(app, argc, argv, examples);
}

void warn_of_misspelt_environment(const CLI::App& app, const std::vector<std::string>& keys) {
  constexpr std::string_view prefix = "SUNDER_";
  std::vector<std::string> names = keys, known;
  collect_flags(app, /*of_all_commands=*/true, names);
  for (const std::string& name : names) known.push_back(environment_name(name).substr(prefix.size()));
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string variable = *entry;
    const std::string whole = variable.substr(0, variable.find('='));
    if (!whole.starts_with(prefix) || whole == models_variable) continue;
    const std::string name = whole.substr(prefix.size());
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    if (const std::string meant = nearly(name, known); !meant.empty())
      print_message("{}: {}{} is set, but no flag or key has that name; did you mean {}{}?\n", app.get_name(), prefix,
                    name, prefix, meant);
  }
}

std::string version() { return SUNDER_VERSION; }

}  // namespace sunder
