#include "train/options.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <new>

#include "tensor/error.h"

namespace sunder {

namespace fs = std::filesystem;

namespace {

constexpr const char* exit_codes =
    "Exit codes: 0 done; 1 failed at run time; 2 usage; 3 input missing or corrupt; 4 checkpoint missing or\n"
    "incompatible; 5 diverged; 6 device missing or out of memory; 7 some files of a batch failed; 75 stopped by\n"
    "SIGTERM or SIGINT after a checkpoint, run again with --resume auto to go on.";

// A flag that is a shorter name for a key of the configuration.
struct KeyFlag {
  const char* flag;
  const char* key;
  const char* help;
};

constexpr KeyFlag key_flags[] = {
    {"--data", "data.set", "mixture set to train on"},
    {"--device", "train.device", "cpu, cuda or cuda:N"},
    {"--threads", "train.threads", "CPU threads; 0 takes one per core"},
    {"--seed", "train.seed", "seed of every random number"},
    {"--init", "train.init", "weights to begin with: a checkpoint, a run (its best one) or a .safetensors file"},
    {"--max-epochs", "train.max_epochs", "stop after so many epochs; 0 sets no limit"},
    {"--max-minutes", "train.max_minutes", "stop after so many minutes of training; 0 sets no limit"},
    {"--batch", "train.batch", "network inputs a step"},
    {"--precision", "train.precision", "fp64, fp32, or on CUDA tf32 or bf16"},
    {"--graph", "train.graph", "on CUDA the whole step as one graph: auto, on or off"},
};

std::string environment_name(const std::string& flag) {
  std::string name = "SUNDER_";
  for (const char c : flag.substr(flag.find_first_not_of('-')))
    name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

std::string environment(const std::string& flag) {
  const char* text = std::getenv(environment_name(flag).c_str());
  return text ? text : "";
}

void use_environment(CLI::App& app) {
  for (CLI::Option* option : app.get_options())
    if (!option->get_lnames().empty() && option != app.get_help_ptr() && option != app.get_version_ptr())
      option->envname(environment_name(option->get_lnames().front()));
  for (CLI::App* command : app.get_subcommands({})) use_environment(*command);
}

void collect_flags(const CLI::App& app, std::vector<std::string>& flags) {
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  for (const CLI::App* command : app.get_subcommands()) collect_flags(*command, flags);
}

void parse(CLI::App& app, int argc, const char* const* argv, const std::string& examples) {
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
    collect_flags(app, flags);
    throw_error<UsageError>("unknown flag '{}'{}", flag, suggest(flag, flags));
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what());
  }
}

// The config.toml that belongs to what is resumed: in the folder itself, or two above a checkpoint; else no path.
fs::path config_of_run(const RunOptions& options) {
  const fs::path start = options.resume == "auto" ? options.output : fs::path(options.resume);
  for (const fs::path& folder : {start, start / ".." / ".."})
    if (fs::is_regular_file(folder / "config.toml")) return folder / "config.toml";
  return {};
}

std::string example_recipe(const std::string& method) {
  const bool far_field = method == "m2m" || method == "unssor";
  return far_field ? fmt::format("recipes/smswsj-ff-ct/{}-6ch.toml", method)
                   : fmt::format("recipes/sc09mix/{}.toml", method);
}

void apply_sets(Config& config, const std::vector<std::string>& sets) {
  for (const std::string& text : sets) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos) throw_error<UsageError>("--set: expected key=value, got '{}'", text);
    set_config(config, text.substr(0, equals), text.substr(equals + 1), "--set " + text.substr(0, equals));
  }
}

}  // namespace

int run_main(const std::string& name, const std::function<int()>& body) {
  std::signal(SIGXFSZ, SIG_IGN);  // a write then fails and says why
  const auto complain = [&](const std::string& message) { fmt::print(stderr, "{}: {}\n", name, message); };
  int code = 1;
  try {
    code = body();
  } catch (const HelpRequested& help) {
    fmt::print("{}", help.text);
    code = 0;
  } catch (const Error& error) {
    complain(error.what());
    code = error.exit_code();
  } catch (const std::bad_alloc&) {
    complain("out of memory");
    code = DeviceError("").exit_code();
  } catch (const std::exception& error) {
    complain(error.what());
  }
  if (std::fflush(stdout) != 0 && code == 0) {
    complain("standard output: cannot write");
    code = 1;
  }
  return code;
}

void parse_command_line(CLI::App& app, int argc, const char* const* argv, const std::string& examples) {
  use_environment(app);
  parse(app, argc, argv, examples);
}

std::string version() { return SUNDER_VERSION; }

RunOptions parse_run_options(const std::string& name, const std::string& summary, int argc, const char* const* argv) {
  RunOptions options;
  CLI::App app(summary, name);
  std::string config_file = environment("--config"), output = environment("--output"), resume = environment("--resume");
  std::vector<std::string> sets;
  bool print_config = false;
  app.add_option("--config", config_file, "recipe (TOML)");
  app.add_option("--output", output, "run folder: checkpoints, metrics.jsonl, log.txt, results.md");
  app.add_option("--resume", resume, "none, auto (go on where --output stopped, start if it is empty) or a checkpoint");
  std::string flag_values[std::size(key_flags)];
  for (size_t i = 0; i < std::size(key_flags); ++i)
    app.add_option(key_flags[i].flag, flag_values[i], key_flags[i].help);
  bool new_rooms = false;
  app.add_flag("--on-the-fly", new_rooms, "new rooms every epoch, for sets with sms_wsj.json");
  // One --set takes one text, commas and all.
  app.add_option("--set", sets, "key=value of the recipe, may be given again")->take_all()->allow_extra_args(false);
  app.add_flag("--print-config", print_config, "print every key with its meaning and the value it would have");
  parse(app, argc, argv,
        fmt::format(
            "  {0} --config {1} --data SET --output RUN --threads 2 --set optim.lr=3e-4\n"
            "  {0} --output RUN --resume auto\n"
            "Each flag and key can stand in the environment: SUNDER_SEED for --seed, SUNDER_OPTIM_LR for optim.lr.",
            name, example_recipe(name.substr(name.rfind('-') + 1))));

  options.output = output;
  if (!resume.empty()) options.resume = resume;
  if (config_file.empty() && options.resume != "none") config_file = config_of_run(options).string();
  if (!config_file.empty()) load_config(options.config, config_file);
  load_config_environment(options.config);
  for (const KeyFlag& flag : key_flags)
    if (const std::string text = environment(flag.flag); !text.empty())
      set_config(options.config, flag.key, text, environment_name(flag.flag));
  constexpr const char* on_the_fly = "--on-the-fly";
  if (const std::string text = environment(on_the_fly); !text.empty())
    set_config(options.config, "data.on_the_fly", text, environment_name(on_the_fly));
  apply_sets(options.config, sets);
  for (size_t i = 0; i < std::size(key_flags); ++i)
    if (app.count(key_flags[i].flag) > 0)
      set_config(options.config, key_flags[i].key, flag_values[i], key_flags[i].flag);

  if (new_rooms) options.config.data.on_the_fly = true;

  std::string& set = options.config.data.set;
  if (!set.empty()) set = fs::absolute(set).lexically_normal().string();
  if (print_config) throw HelpRequested{to_toml(options.config)};
  if (output.empty()) throw UsageError("--output is required: the folder that the run is written to");
  if (set.empty())
    throw UsageError(options.resume == "none" ? "--data is required: the mixture set to train on"
                                              : fmt::format("{}: nothing to resume, and no --data to start with",
                                                            options.resume == "auto" ? output : options.resume));
  return options;
}

}  // namespace sunder
