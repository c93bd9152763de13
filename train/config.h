// The configuration of a training run as plain data: the sections of a recipe. Every key can also be set by --set
// key=value or by the environment (SUNDER_OPTIM_LR for optim.lr). Each struct lists its keys where it is defined.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "audio/sets/batch.h"
#include "nn/adam.h"
#include "nn/architectures.h"
#include "objectives/m2m.h"
#include "objectives/mixcycle.h"
#include "objectives/pit.h"
#include "objectives/unssor.h"
#include "train/schedule.h"
#include "train/selection.h"

namespace sunder {

struct DataConfig {
  std::string set;
  double segment_seconds = 0;
  Crop crop;
  int sample_rate = 0;
  int loader_threads = 1;
  bool on_the_fly = false;
  std::string mixture_kind = "auto";
  std::string path_from, path_to;
};

struct OptimConfig : AdamConfig, PlateauConfig, ScheduleConfig {};

struct TrainConfig {
  int64_t batch = 128;
  int64_t accumulate = 1;
  int64_t max_epochs = 0;
  double max_minutes = 0;
  int64_t patience = 50;
  uint64_t seed = 0;
  std::string init;
  bool init_partial = false;
  int threads = 0;
  std::string device = "cpu";
  std::string precision = "fp32";
  std::string graph = "auto";
  int64_t nonfinite_patience = 10;
  double log_seconds = 10;
  double checkpoint_minutes = 2;
  double rank_timeout = 300;
  bool dynamic_mixing = false;
  std::string notify;

  int64_t inputs_per_step() const { return batch * accumulate; }
};

struct ValidationConfig {
  std::string select = "si_snri";
  int64_t every_epochs = 1;
  double every_minutes = 0;
  int64_t max_items = 0;
};

struct Config {
  DataConfig data;
  ModelConfig model;
  OptimConfig optim;
  TrainConfig train;
  ValidationConfig validation;
  MixCycleConfig mixcycle;
  PitConfig pit;
  M2mOptions m2m;  // with the filters of [fcp], like unssor
  UnssorOptions unssor;
};

// All keys as "section.key", in file order, without those of architectures that were not chosen. The pointers are valid
// as long as `config`.
Fields fields(Config& config);

// All keys that may be set, with the sizes of every architecture: a recipe and --set may name the architecture in any
// order.
Fields settable(Config& config);

// Sets a key from a string. Messages begin with `source` ("--batch", "SUNDER_BATCH"). Throws UnknownName for an unknown
// key and UsageError for a value of the wrong type or out of range.
void set_config(Config& config, const std::string& key, const std::string& text, const std::string& source);

// The same from "key=value", the form of --set.
void set_config(Config& config, const std::string& assignment, const std::string& source);

// Applies a TOML file. Throws InputError if it is missing or not TOML, UsageError like set_config.
void load_config(Config& config, const std::filesystem::path& path, Names names = Names::current);

// Applies every SUNDER_<KEY> that is set and not empty.
void load_config_environment(Config& config);

// Throws UsageError for a key of [model] that the chosen architecture does not have and that the recipe (empty: none),
// the environment or one of the assignments ("key=value") sets.
void check_model_keys(const Config& config, const std::filesystem::path& recipe,
                      const std::vector<std::string>& assignments);

// The whole configuration as TOML from which load_config restores every bit.
std::string to_toml(const Config& config);
// Parses the TOML of a model file's metadata, also of older versions. Messages begin with `source`.
Config parse_config(const std::string& toml, const std::string& source);

struct ConfigDifference {
  std::string key, before, after;
  bool fixed;
};

std::vector<ConfigDifference> compare(const Config& before, const Config& after);
// Throws ModelError that lists the differing keys which a resumed run cannot change.
void check_resumable(const Config& saved, const Config& wanted, const std::filesystem::path& path);

}  // namespace sunder
