#include "programs/model_options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>

#include "command/shipped_models.h"
#include "tensor/blas.h"
#include "tensor/error.h"
#include "tensor/parallel.h"
#include "train/checkpoint.h"

namespace sunder {

namespace fs = std::filesystem;

void add_model_options(CLI::App& app, ModelOptions& options) {
  app.add_option(
      "--model", options.path,
      fmt::format("checkpoint folder (RUN/checkpoints/best), run folder (its best checkpoint), .safetensors file,\n"
                  "or the name of a model that comes with Sunder ({})",
                  default_model));
  app.add_option(
      "--architecture", options.architecture,
      "stft-conv-tasnet, conv-tasnet or tf-gridnet; needed only for a state dict that does not name it itself");
  const std::string plain = ", for a state dict without metadata; default: ";
  app.add_option("--num-layers", options.sizes["num_layers"], "blocks a stack" + plain + "4, of a conv-tasnet 8")
      ->check(CLI::PositiveNumber);
  app.add_option("--num-stacks", options.sizes["num_stacks"], "stacks of blocks" + plain + "what the shapes leave")
      ->check(CLI::PositiveNumber);
  app.add_option("--hop-length", options.sizes["hop_length"], "samples" + plain + "a quarter of the frame")
      ->check(CLI::PositiveNumber);
  app.add_option("--sample-rate", options.sizes["sample_rate"], "Hz the model was trained at" + plain + "8000")
      ->check(CLI::PositiveNumber);
  app.add_option(
         "--metadata", options.metadata,
         fmt::format(
             "KEY=VALUE that a state dict without metadata does not show, may be repeated; KEY is one of {}; default: "
             "estimate=image (source for M2M, UNSSOR), window=sqrt_hann, 19 past and 1 future taps",
             fmt::join(metadata_keys(), ", ")))
      ->allow_extra_args(false);
  app.add_option("--device", options.device, "cpu, cuda or cuda:N")->capture_default_str();
  app.add_option("--threads", options.threads, "CPU threads; 0: one per CPU that may be used")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  app.add_option("--precision", options.precision, "fp64, fp32, or on CUDA tf32 or bf16")
      ->check(CLI::IsMember(precision_names))
      ->capture_default_str();
}

std::map<std::string, std::string> metadata_of(const std::vector<std::string>& pairs) {
  const std::vector<std::string> known = metadata_keys();
  std::map<std::string, std::string> result;
  for (const std::string& pair : pairs) {
    const size_t equals = pair.find('=');
    const std::string key = pair.substr(0, equals);
    if (equals == std::string::npos || std::ranges::find(known, key) == known.end())
      throw_error<UsageError>("--metadata: expected KEY=VALUE with a KEY of {}, got '{}'", fmt::join(known, ", "),
                              pair);
    result[key] = pair.substr(equals + 1);
  }
  return result;
}

std::string model_advice(const Error& error) {
  return dynamic_cast<const UnnamedArchitecture*>(&error) ? "name it with --architecture" : "";
}

LoadedModel open_model(const ModelOptions& options) {
  set_num_threads(options.threads);
  const Stream stream = parse_device(options.device);
  if (!stream.device.is_cuda()) blas::core_name();  // loads it: without room no file of a batch would succeed
  const fs::path folder = model_folder(options.path);
  if (fs::exists(folder / "manifest.json")) load_checkpoint(folder);
  std::map<std::string, std::string> sizes = metadata_of(options.metadata);
  for (const auto& [key, value] : options.sizes)
    if (value > 0) sizes[key] = std::to_string(value);
  return load_separator(folder.string(), options.architecture, parse_precision(options.precision, stream.device),
                        stream, sizes);
}

}  // namespace sunder
