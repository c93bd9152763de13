#include "train/options.h"

#include <CLI/CLI.hpp>

#include "tensor/error.h"

namespace sunder {

namespace fs = std::filesystem;

namespace {

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

int run_training(const std::string& name, const std::function<int()>& body) {
  return run_main(name, body, [](const Error& error) -> std::string {
    if (error.kind() == ErrorKind::memory) return "lower --batch or data.segment_seconds";
    if (dynamic_cast<const DeviceLost*>(&error))
      return "start the run again, with --resume auto it goes on from its last checkpoint";
    return "";
  });
}

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
  parse_flags(
      app, argc, argv,
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
