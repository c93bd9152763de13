// Everything that a training run depends on, as plain data. A recipe is a TOML file of these keys; every key can also
// be set by --set key=value or by the environment (SUNDER_OPTIM_LR for optim.lr). config_fields lists them all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

namespace sunder {

struct Config {
  struct {
    std::string set;
    double segment_seconds = 0;
    std::string crop = "whole-second";
    int loader_threads = 1;
    bool on_the_fly = false;
    std::string path_from;
    std::string path_to;
  } data;
  struct {
    std::string architecture = "stft-conv-tasnet";
    int n_fft = 512;
    int hop_length = 128;
    int num_feats = 128;
    int num_hidden = 512;
    int kernel_size = 3;
    int num_layers = 4;
    int num_stacks = 3;
    int sources = 2;
    std::string window = "hann";
    int microphones = 1;
    int emb_dim = 96;
    int num_blocks = 4;
    int emb_ks = 2;
    int emb_hs = 2;
    int lstm_hidden = 192;
    int heads = 4;
    int qk_channels = 4;
  } model;
  struct {
    double lr = 1e-3;
    double beta1 = 0.9;
    double beta2 = 0.999;
    double eps = 1e-8;
    double clip = 5;
    int64_t plateau_patience = 0;
    double plateau_factor = 0.5;
    double min_lr = 0;
  } optim;
  struct {
    int64_t batch = 128;
    int64_t max_epochs = 0;
    double max_minutes = 0;
    int64_t patience = 50;
    uint64_t seed = 0;
    std::string init;
    int threads = 0;
    std::string device = "cpu";
    std::string precision = "fp32";
    std::string graph = "auto";
    int64_t nonfinite_patience = 10;
    double log_seconds = 10;
    double checkpoint_minutes = 2;
    bool dynamic_mixing = false;
  } train;
  struct {
    std::string select = "si_snri";
    int64_t every_epochs = 1;
    double every_minutes = 0;
    int64_t max_items = 0;
  } validation;
  struct {
    int64_t init_epochs = 50;
    double init_fraction = 0;
    bool restart_adam = true;
  } mixcycle;
  struct {
    int far_past = 19;
    int far_future = 1;
    int close_past = 19;
    int close_future = 1;
    double floor = 1e-4;
    double loading = 1e-6;
    bool stop_gradient = false;
  } fcp;
  struct {
    double alpha = 1;
    double gamma = 0;
  } m2m;
  struct {
    double gamma = 0.02;
    double reference_weight = 0.2;
  } unssor;
};

// One key: where its value lives, what it means and what it may be.
struct ConfigField {
  std::string key;  // "optim.lr"
  std::string help;
  std::variant<std::string*, int*, int64_t*, uint64_t*, double*, bool*> value;
  double low = 0, high = 0;          // numbers, both ends included
  std::vector<std::string> choices;  // texts; empty: any
  bool fixed = true;                 // a resumed run cannot change it
};

// All keys, in the order of the file; the pointers live as long as `config`.
std::vector<ConfigField> config_fields(Config& config);

// Sets one key from a text. `source` is what a message begins with ("--batch", "SUNDER_BATCH"). Throws UsageError for
// an unknown key (naming the nearest known one) and for a value of the wrong type or out of range.
void set_config(Config& config, const std::string& key, const std::string& text, const std::string& source);

// Applies a TOML file. Throws InputError if it is missing or no TOML, UsageError as set_config does.
void load_config(Config& config, const std::filesystem::path& path);

// Applies every SUNDER_<KEY> that is set and not empty.
void load_config_environment(Config& config);

// The whole configuration as TOML that load_config reads back to the bit.
std::string to_toml(const Config& config);
// The same from text, as kept in a model file's metadata; `source` begins the messages.
Config parse_config(const std::string& toml, const std::string& source);

struct ConfigDifference {
  std::string key, before, after;
  bool fixed;
};

std::vector<ConfigDifference> compare(const Config& before, const Config& after);
// Throws ModelError that lists the differing keys which a resumed run cannot change.
void check_resumable(const Config& saved, const Config& wanted, const std::filesystem::path& path);

}  // namespace sunder
