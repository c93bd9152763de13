#include "train/options.h"

#include <CLI/CLI.hpp>

#include "distributed/launch.h"
#include "distributed/rank_lost.h"
#include "files/folder_pointer.h"
#include "tensor/error.h"
#include "train/setup.h"

namespace sunder {

namespace fs = std::filesystem;

namespace {

// A flag that is a shorter name for a key of the configuration.
struct KeyFlag {
  const char* flag;
  const char* key;
  const char* help;
  bool is_switch = false;  // given without a value it means true
};

constexpr KeyFlag key_flags[] = {
    {"--data", "data.set",
     "mixture set, or a folder of recordings without clean sources, of which 10 % are set aside for validation and\n"
     "10 % for the test (docs/datasets.md)"},
    {"--device", "train.device", "cpu, cuda or cuda:N"},
    {"--threads", "train.threads", "CPU threads; 0: one per CPU that may be used"},
    {"--seed", "train.seed", "random seed"},
    {"--init", "train.init", "initial weights: a checkpoint, a run (its best checkpoint) or a .safetensors file"},
    {"--max-epochs", "train.max_epochs", "stop after this many epochs; 0: no limit"},
    {"--max-minutes", "train.max_minutes", "stop after this many minutes of training; 0: no limit"},
    {"--batch", "train.batch", "network inputs per step, or per micro-batch where train.accumulate is above 1"},
    {"--precision", "train.precision", "fp64, fp32, or on CUDA tf32 or bf16"},
    {"--graph", "train.graph", "run each step as one CUDA graph: auto, on or off"},
    {"--on-the-fly", "data.on_the_fly", "new mixtures every epoch: of a list, or in new rooms (sets with sms_wsj.json)",
     true},
};

// The config.toml of the resumed run: in the folder itself, or two levels above a checkpoint; else empty.
fs::path config_of_run(const RunOptions& options) {
  const fs::path start = options.resume == "auto" ? options.output : follow_pointer(options.resume);
  for (const fs::path& folder : {start, start / ".." / ".."})
    if (fs::is_regular_file(folder / "config.toml")) return folder / "config.toml";
  return {};
}

std::string program_name(const MethodDefinition& method) { return "sunder-train-" + method.name; }

// Of several processes, which one says something.
std::string speaker(const MethodDefinition& method) {
  try {
    if (const Launch launch = find_launch(); launch.size > 1)
      return fmt::format("{} (rank {} of {})", program_name(method), launch.rank, launch.size);
  } catch (const UsageError&) {  // train() reports it
  }
  return program_name(method);
}

}  // namespace

int run_training(const MethodDefinition& method, const std::function<int()>& body) {
  return run_main(speaker(method), body, [](const Error& error) -> std::string {
    if (error.kind() == ErrorKind::memory) return "lower --batch or data.segment_seconds";
    if (dynamic_cast<const ReferencesMissing*>(&error))
      return "mixpit, mixcycle and mixit train on mixtures alone, unssor on those of several microphones";
    if (dynamic_cast<const DeviceLost*>(&error) || dynamic_cast<const RankLost*>(&error))
      return "resume from the last checkpoint with --resume auto";
    return "";
  });
}

RunOptions parse_run_options(const MethodDefinition& method, int argc, const char* const* argv) {
  RunOptions options;
  CLI::App app(method.summary, program_name(method));
  std::string config_file = environment("--config"), output = environment("--output"), resume = environment("--resume");
  std::vector<std::string> sets;
  bool print_config = false, changed_data = false, dry = false;
  if (const std::string text = environment("--changed-data"); !text.empty())
    assign(flag("changed_data", &changed_data, ""), text, environment_name("--changed-data"));
  if (const std::string text = environment("--dry-run"); !text.empty())
    assign(flag("dry_run", &dry, ""), text, environment_name("--dry-run"));
  app.add_option("--config", config_file, "recipe (TOML)");
  app.add_option("--output", output, "run folder: checkpoints, metrics.jsonl, log.txt, results.md");
  app.add_option("--resume", resume, "none, auto (resume --output, or start if it is empty) or a checkpoint");
  app.add_flag("--changed-data", changed_data,
               "resume although the mixtures are other ones, or start from weights of another sample rate");
  std::string flag_values[std::size(key_flags)];
  for (size_t i = 0; i < std::size(key_flags); ++i) {
    const KeyFlag& flag = key_flags[i];
    if (flag.is_switch) app.add_flag(flag.flag, flag_values[i], flag.help);
    else app.add_option(flag.flag, flag_values[i], flag.help);
  }
  // Each --set takes one value, commas included.
  app.add_option("--set", sets, "key=value of the recipe; repeatable")->take_all()->allow_extra_args(false);
  app.add_flag("--dry-run", dry,
               "try everything once, without the run folder: a step, a validation, a checkpoint; prints time, memory\n"
               "and disk that the run needs");
  app.add_flag("--print-config", print_config, "print every key with its value and meaning, and exit");
  std::vector<std::string> keys;
  for (const Field& field : settable(options.config)) keys.push_back(field.name);
  warn_of_misspelt_environment(app, keys);
  parse_flags(
      app, argc, argv,
      fmt::format(
          "  {0} --config {1} --data SET --output RUN --threads 2 --set optim.lr=3e-4\n"
          "  {0} --output RUN --resume auto\n"
          "Each flag and key can also be set in the environment: SUNDER_SEED for --seed, SUNDER_OPTIM_LR for optim.lr.",
          program_name(method), method.recipe));

  options.output = output;
  options.changed_data = changed_data;
  options.dry_run = dry;
  if (!resume.empty()) options.resume = resume;
  const bool of_run = config_file.empty() && options.resume != "none";
  if (of_run) config_file = config_of_run(options).string();
  // A run folder's file may be an older version's, with the keys of every architecture.
  if (!config_file.empty()) load_config(options.config, config_file, of_run ? Names::also_former : Names::current);
  load_config_environment(options.config);
  for (const KeyFlag& flag : key_flags)
    if (const std::string text = environment(flag.flag); !text.empty())
      set_config(options.config, flag.key, text, environment_name(flag.flag));
  for (const std::string& set : sets) set_config(options.config, set, "--set");
  for (size_t i = 0; i < std::size(key_flags); ++i)
    if (app.count(key_flags[i].flag) > 0)
      set_config(options.config, key_flags[i].key, flag_values[i], key_flags[i].flag);

  std::string& set = options.config.data.set;
  if (!set.empty()) set = fs::absolute(set).lexically_normal().string();
  if (print_config) throw HelpRequested{to_toml(options.config)};
  if (output.empty()) throw UsageError("--output is required: the folder that the run is written to");
  if (set.empty())
    throw UsageError(options.resume == "none" ? "--data is required: the mixture set or the recordings to train on"
                                              : fmt::format("{}: nothing to resume, and no --data to start with",
                                                            options.resume == "auto" ? output : options.resume));
  check_config(options.config, method);
  if (!of_run) check_model_keys(options.config, config_file, sets);
  return options;
}

}  // namespace sunder
