// The model that a program works with: its flags, and the network behind them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "nn/architectures.h"

namespace CLI {
class App;
}

namespace sunder {

struct ModelOptions {
  std::string path, architecture;
  std::string device = "cpu", precision = "fp32";
  int threads = 0;
  // What a state dict without metadata does not show, by metadata key; 0: not given.
  std::map<std::string, int64_t> sizes = {{"num_layers", 0}, {"num_stacks", 0}, {"hop_length", 0}, {"sample_rate", 0}};
  std::vector<std::string> metadata{};  // KEY=VALUE: what else a TF-GridNet without metadata does not show
};

// Adds --model, --architecture, --num-layers, --num-stacks, --hop-length, --sample-rate, --metadata, --device,
// --threads and --precision. `options` must outlive `app`.
void add_model_options(CLI::App& app, ModelOptions& options);

// --metadata's values by key. Throws UsageError for one that is not KEY=VALUE with a KEY that describes a network.
std::map<std::string, std::string> metadata_of(const std::vector<std::string>& pairs);

// What to do about an error of open_model, for run_main.
std::string model_advice(const Error& error);

// Sets the number of threads and loads the network of a path (command/shipped_models.h makes one of a name). A
// checkpoint folder is verified file by file against its manifest. Throws UsageError, ModelError, DeviceError.
LoadedModel open_model(const ModelOptions& options);

}  // namespace sunder
