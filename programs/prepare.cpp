// sunder-prepare: from recordings of speech to a set of mixtures with known sources.
#include <CLI/CLI.hpp>

#include "command/cleanup.h"
#include "command/command_line.h"
#include "programs/prepare_options.h"

namespace {

using namespace sunder;

int run(int argc, char** argv) {
  CLI::App app("Makes sets of speech mixtures for training and testing separators.", "sunder-prepare");
  app.require_subcommand(1);
  const Subcommand subcommands[] = {add_sc09mix(app), add_voices(app), add_librimix(app), add_rooms(app),
                                    add_audio(app)};
  parse_command_line(app, argc, argv,
                     "  sunder-prepare voices --corpus debian --output voices --train 20000 --valid 500 --test 500\n"
                     "  sunder-prepare COMMAND --help");
  for (const Subcommand& subcommand : subcommands)
    if (subcommand.command->parsed()) subcommand.run();
  return exit_done;
}

}  // namespace

int main(int argc, char** argv) {
  remove_temporaries_at_signals();
  const auto advice = [](const Error& error) -> std::string {
    return dynamic_cast<const FolderInUse*>(&error) ? "choose another --output, or replace it with --force" : "";
  };
  return run_main(
      "sunder-prepare", [&] { return run(argc, argv); }, advice);
}
