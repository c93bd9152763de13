#include "nn/registry.h"

#include <charconv>
#include <filesystem>

#include "nn/conv_tasnet.h"
#include "nn/safetensors.h"

namespace sunder {
namespace {

int64_t number(const SafeTensors& file, const std::string& path, const std::string& key, int64_t otherwise) {
  const auto found = file.metadata.find(key);
  if (found == file.metadata.end()) return otherwise;
  const std::string& text = found->second;
  int64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size() || value < 1 || value > 1'000'000'000)
    throw_error<CheckpointError>("{}: expected a whole number above 0 as {} in the metadata, found '{}'", path, key, text);
  return value;
}

const Tensor& tensor(const SafeTensors& file, const std::string& path, const std::string& name, int dim) {
  const auto found = file.tensors.find(name);
  if (found == file.tensors.end() || found->second.dim() != dim)
    throw_error<CheckpointError>("{}: expected a tensor {} with {} axes (an stft-conv-tasnet), found {}", path, name, dim,
                                 found == file.tensors.end() ? "none" : describe(found->second));
  return found->second;
}

// What the tensors' shapes tell; the number of stacks does not show (dilations have no parameters), so blocks are taken
// to come in stacks of four unless the metadata says otherwise.
ConvTasNetConfig conv_tasnet_sizes(const SafeTensors& file, const std::string& path) {
  const std::string prefix = "mask_generator.", block = prefix + "conv_layers.0.conv_layers.";
  const Tensor& input = tensor(file, path, prefix + "input_conv.weight", 3);
  const Tensor& depthwise = tensor(file, path, block + "3.weight", 3);
  const Tensor& output = tensor(file, path, prefix + "output_conv.weight", 3);
  int64_t blocks = 0;
  while (file.tensors.contains(prefix + "conv_layers." + std::to_string(blocks) + ".conv_layers.0.weight")) ++blocks;
  const ConvTasNetConfig paper;
  ConvTasNetConfig config;
  config.num_feats = input.size(0);
  config.n_fft = number(file, path, "n_fft", 2 * (input.size(1) - 1));
  config.hop_length = number(file, path, "hop_length", std::max<int64_t>(1, config.n_fft / 4));
  config.num_hidden = depthwise.size(0);
  config.kernel_size = depthwise.size(2);
  config.sources = input.size(1) > 0 ? output.size(0) / input.size(1) : 0;
  int64_t layers = blocks % paper.num_layers == 0 ? paper.num_layers : std::max<int64_t>(1, blocks);
  if (file.metadata.contains("num_stacks")) layers = std::max<int64_t>(1, blocks / number(file, path, "num_stacks", 1));
  config.num_layers = number(file, path, "num_layers", layers);
  config.num_stacks = number(file, path, "num_stacks", std::max<int64_t>(1, blocks / config.num_layers));
  if (config.num_layers * config.num_stacks != blocks)
    throw_error<CheckpointError>("{}: expected num_layers x num_stacks = {} blocks, got {} x {}", path, blocks,
                                 config.num_layers, config.num_stacks);
  if (config.n_fft / 2 + 1 != input.size(1))
    throw_error<CheckpointError>("{}: expected {} bins for n_fft {}, found {}", path, config.n_fft / 2 + 1, config.n_fft,
                                 input.size(1));
  return config;
}

}  // namespace

std::unique_ptr<Separator> make_separator(const std::string& architecture, const ConvTasNetConfig& config,
                                          Precision precision, Stream stream, uint64_t seed) {
  if (architecture == "stft-conv-tasnet") return std::make_unique<StftConvTasNet>(config, precision, stream, seed);
  throw_error<UsageError>("architecture '{}': expected stft-conv-tasnet", architecture);
}

std::filesystem::path model_folder(const std::filesystem::path& path) {
  const std::filesystem::path best = path / "checkpoints" / "best";
  return std::filesystem::exists(best) && !std::filesystem::exists(path / "model.safetensors") ? best : path;
}

LoadedModel load_separator(const std::string& path, const std::string& architecture, Precision precision, Stream stream,
                           const std::map<std::string, std::string>& given) {
  const std::filesystem::path found = model_folder(path);
  const std::string file_path =
      (std::filesystem::is_directory(found) ? found / "model.safetensors" : found).string();
  SafeTensors file = read_safetensors(file_path);
  for (const auto& [key, value] : given)
    if (const auto [known, added] = file.metadata.emplace(key, value); !added && known->second != value)
      throw_error<CheckpointError>("{}: expected {} {} as asked for, its metadata says {}", file_path, key, value,
                                   known->second);
  const auto named = file.metadata.find("architecture");
  std::string name = architecture;
  if (name.empty()) {
    if (named == file.metadata.end())
      throw_error<CheckpointError>("{}: expected an architecture in the metadata, found none; name it with --architecture",
                                   file_path);
    name = named->second;
  } else if (named != file.metadata.end() && named->second != name) {
    throw_error<CheckpointError>("{}: expected architecture {}, found {}", file_path, name, named->second);
  }
  LoadedModel model;
  model.sample_rate = static_cast<int>(number(file, file_path, "sample_rate", 8000));
  model.separator = make_separator(name, conv_tasnet_sizes(file, file_path), precision, stream, /*seed=*/0);
  model.separator->parameters().load_state_dict(file.tensors, file_path);
  return model;
}

}  // namespace sunder
