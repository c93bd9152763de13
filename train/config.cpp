#include "train/config.h"

#include <set>

#include "audio/sample_rate.h"
#include "audio/sets/split_folders.h"
#include "command/command_line.h"
#include "files/text_file.h"
#include "files/toml.h"
#include "tensor/error.h"

namespace sunder {
namespace {

Fields fields(DataConfig& c) {
  return {
      changeable(text("set", &c.set, "mixture set of sunder-prepare, in LibriMix's layout, or a folder of recordings")),
      number("segment_seconds", &c.segment_seconds, 0, 3600,
             "length of a training segment in seconds; 0: whole items, or 2 for recordings of several lengths"),
      number("sample_rate", &c.sample_rate, 0, highest_sample_rate,
             "rate in Hz that recordings without clean sources are converted to; 0: their lowest, at most 16000"),
      text("crop", &c.crop.rule,
           "where segments start: whole-second, any (sample), or active (where all speakers talk)",
           {"whole-second", "any", "active"}),
      number("active", &c.crop.active, 0, 1, "share of its mean power that each speaker has in an active segment"),
      changeable(number("loader_threads", &c.loader_threads, 1, 1024, "data loader threads")),
      text("mixture_kind", &c.mixture_kind,
           "which mixtures of a LibriMix, WHAM! or WHAMR! tree: both has noise; auto: clean where there are such",
           mixture_kinds()),
      flag("on_the_fly", &c.on_the_fly,
           "new mixtures every epoch: of a list, or in new rooms (sets with sms_wsj.json)"),
      changeable(text("path_from", &c.path_from, "prefix of paths in sms_wsj.json to replace")),
      changeable(text("path_to", &c.path_to, "replacement of path_from")),
  };
}

Fields fields(TrainConfig& c) {
  return {
      number("batch", &c.batch, 1, many,
             "network inputs per micro-batch, of all processes together: what is computed at a time"),
      number("accumulate", &c.accumulate, 1, 1e6,
             "micro-batches per step: their gradients are those of one large batch"),
      changeable(number("max_epochs", &c.max_epochs, 0, many, "epochs; 0: no limit")),
      changeable(number("max_minutes", &c.max_minutes, 0, many, "minutes of training; 0: no limit")),
      changeable(
          number("patience", &c.patience, 0, many, "early stopping: validations without a better score; 0: never")),
      number("seed", &c.seed, 0, largest_exact, "random seed"),
      text("init", &c.init,
           "initial weights: a checkpoint, a run (its best checkpoint) or a .safetensors file; empty: random"),
      flag("init_partial", &c.init_partial, "take the tensors of train.init that match, at least one; false: all must"),
      changeable(number("threads", &c.threads, 0, 4096, "CPU threads; 0: one per CPU that may be used")),
      changeable(text("device", &c.device, "cpu, cuda or cuda:N")),
      text("precision", &c.precision, "network precision: fp64, fp32, or on CUDA tf32 or bf16", precision_names),
      changeable(text("graph", &c.graph, "run each step as one CUDA graph: auto (where possible), on or off",
                      {"auto", "on", "off"})),
      changeable(number("nonfinite_patience", &c.nonfinite_patience, 1, many,
                        "consecutive non-finite steps before the run stops")),
      changeable(number("log_seconds", &c.log_seconds, 0, many, "seconds between log lines")),
      changeable(number("checkpoint_minutes", &c.checkpoint_minutes, 0, many,
                        "minutes between checkpoints within an epoch; 0: none")),
      changeable(text("notify", &c.notify,
                      "command that is run when the run has ended, with SUNDER_RUN, SUNDER_EXIT and SUNDER_SUMMARY")),
      changeable(number("rank_timeout", &c.rank_timeout, 1, many,
                        "seconds that a process of several may keep the others waiting before the run ends")),
      flag("dynamic_mixing", &c.dynamic_mixing, "dynamic mixing: new mixtures of each batch's sources (PIT)"),
  };
}

Fields fields(ValidationConfig& c) {
  return {
      text("select", &c.select, "criterion of the best checkpoint: si_snri, blind, loss (training) or valid_loss",
           {"si_snri", "blind", "loss", "valid_loss"}),
      number("every_epochs", &c.every_epochs, 0, many, "epochs between validations; 0: never"),
      number("every_minutes", &c.every_minutes, 0, many, "minutes between validations; 0: never"),
      number("max_items", &c.max_items, 0, many, "validation items that are used; 0: all"),
  };
}

Fields fields_with(Config& c, const Fields& model) {
  return in_section("data", fields(c.data)) + in_section("model", model) +
         in_section("optim", fields(static_cast<AdamConfig&>(c.optim)) + fields(static_cast<PlateauConfig&>(c.optim)) +
                                 fields(static_cast<ScheduleConfig&>(c.optim))) +
         in_section("train", fields(c.train)) + in_section("validation", fields(c.validation)) +
         in_section("mixcycle", fields(c.mixcycle)) + in_section("pit", fields(c.pit)) +
         in_section("fcp", merged(fields(c.m2m.fcp), fields(c.unssor.fcp))) + in_section("m2m", fields(c.m2m)) +
         in_section("unssor", fields(c.unssor));
}

}  // namespace

Fields fields(Config& config) { return fields_with(config, config.model.fields()); }

Fields settable(Config& config) { return fields_with(config, config.model.all_fields()); }

void set_config(Config& config, const std::string& key, const std::string& text, const std::string& source) {
  const Fields all = settable(config);
  assign(find(all, key, source), text, source);
}

void set_config(Config& config, const std::string& assignment, const std::string& source) {
  const size_t equals = assignment.find('=');
  if (equals == std::string::npos) throw_error<UsageError>("{}: expected key=value, got '{}'", source, assignment);
  const std::string key = assignment.substr(0, equals);
  set_config(config, key, assignment.substr(equals + 1), source + " " + key);
}

void load_config(Config& config, const std::filesystem::path& path, Names names) {
  read_toml(settable(config), parse_toml(read_text(path), path.string()), path.string(), names);
}

void load_config_environment(Config& config) {
  const Fields all = settable(config);
  for (const Field& field : all) {
    const std::string name = environment_name(field.name);
    if (const std::string text = environment(field.name); !text.empty()) assign(field, text, name);
    if (field.former_name.empty()) continue;
    if (!environment(field.former_name).empty())
      throw_error<UsageError>("{}: was renamed to {}", environment_name(field.former_name), name);
  }
}

void check_model_keys(const Config& config, const std::filesystem::path& recipe,
                      const std::vector<std::string>& assignments) {
  Config copy = config;
  std::set<std::string> own;
  for (const Field& field : fields(copy)) own.insert(field.name);
  const toml::table table = recipe.empty() ? toml::table{} : parse_toml(read_text(recipe), recipe.string());
  for (const Field& field : settable(copy)) {
    if (own.contains(field.name)) continue;
    const auto refuse = [&](const std::string& source) {
      throw_error<UsageError>("{}: '{}' is not a key of {}", source, field.name, config.model.architecture);
    };
    if (!environment(field.name).empty()) refuse(environment_name(field.name));
    for (const std::string& assignment : assignments)
      if (assignment.starts_with(field.name + "=")) refuse("--set");
    if (table.at_path(field.name)) refuse(recipe.string());
  }
}

std::string to_toml(const Config& config) {
  Config copy = config;
  return to_toml(fields(copy));
}

Config parse_config(const std::string& toml, const std::string& source) {
  Config config;
  read_toml(settable(config), parse_toml(toml, source), source, Names::also_former);
  return config;
}

std::vector<ConfigDifference> compare(const Config& before, const Config& after) {
  Config a = before, b = after;
  std::map<std::string, std::string> old_values;
  write_metadata(fields(a), old_values);
  std::vector<ConfigDifference> result;
  for (const Field& field : fields(b)) {
    const auto found = old_values.find(field.name);
    const std::string was = found == old_values.end() ? "" : found->second, is = text_of(field);
    if (was != is) result.push_back({field.name, was, is, field.fixed});
  }
  return result;
}

void check_resumable(const Config& saved, const Config& wanted, const std::filesystem::path& path) {
  std::vector<std::string> lines;
  for (const ConfigDifference& d : compare(saved, wanted))
    if (d.fixed) lines.push_back(fmt::format("{} = {} (now {})", d.key, d.before, d.after));
  if (!lines.empty())
    throw_error<ModelError>("{}: the run was started with {}; a resumed run cannot change it", path.string(),
                            fmt::join(lines, ", "));
}

}  // namespace sunder
