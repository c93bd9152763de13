#include "nn/architectures.h"

#include <charconv>
#include <filesystem>

#include "files/safetensors.h"
#include "nn/conv_tasnet.h"

namespace sunder {
namespace {

int64_t whole(const SafeTensors& file, const std::string& path, const std::string& key, int64_t otherwise,
              int64_t least) {
  const auto found = file.metadata.find(key);
  if (found == file.metadata.end()) return otherwise;
  const std::string& text = found->second;
  int64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size() || value < least || value > 1'000'000'000)
    throw_error<ModelError>("{}: expected a whole number above {} as {} in the metadata, found '{}'", path, least - 1,
                            key, text);
  return value;
}

int64_t number(const SafeTensors& file, const std::string& path, const std::string& key, int64_t otherwise) {
  return whole(file, path, key, otherwise, 1);
}

const Tensor& tensor(const SafeTensors& file, const std::string& path, const std::string& name, int dim,
                     const char* network = "an stft-conv-tasnet") {
  const auto found = file.tensors.find(name);
  if (found == file.tensors.end() || found->second.dim() != dim)
    throw_error<ModelError>("{}: expected a tensor {} with {} axes ({}), found {}", path, name, dim, network,
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
    throw_error<ModelError>("{}: expected num_layers x num_stacks = {} blocks, got {} x {}", path, blocks,
                            config.num_layers, config.num_stacks);
  if (config.n_fft / 2 + 1 != input.size(1))
    throw_error<ModelError>("{}: expected {} bins for n_fft {}, found {}", path, config.n_fft / 2 + 1, config.n_fft,
                            input.size(1));
  return config;
}

double share(const SafeTensors& file, const std::string& path, const std::string& key, double otherwise) {
  const auto found = file.metadata.find(key);
  if (found == file.metadata.end()) return otherwise;
  double value = 0;
  const std::string& text = found->second;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size() || !(value >= 0) || value > 1)
    throw_error<ModelError>("{}: expected a number from 0 to 1 as {} in the metadata, found '{}'", path, key, text);
  return value;
}

FarFieldOutput output_of(const SafeTensors& file, const std::string& path) {
  const auto found = file.metadata.find("output");
  if (found == file.metadata.end() || found->second == "image") return FarFieldOutput::image;
  if (found->second == "source") return FarFieldOutput::source;
  throw_error<ModelError>("{}: expected image or source as output in the metadata, found '{}'", path, found->second);
}

// What the tensors' shapes tell of a TF-GridNet; the step of the unfolding (emb_hs) shows where it is its kernel.
FarFieldConfig far_field_config(const SafeTensors& file, const std::string& path) {
  const auto shaped = [&](const std::string& name, int dim) -> const Tensor& {
    return tensor(file, path, name, dim, "a tf-gridnet");
  };
  const Tensor &first = shaped("conv.0.weight", 4), &last = shaped("deconv.weight", 4);
  const Tensor &input = shaped("blocks.0.intra_rnn.weight_ih_l0", 2),
               &hidden = shaped("blocks.0.intra_rnn.weight_hh_l0", 2);
  const Tensor& query = shaped("blocks.0.attn_norm_Q.gamma", 5);
  FarFieldConfig config;
  TfGridNetConfig& network = config.network;
  network.blocks = 0;
  while (file.tensors.contains("blocks." + std::to_string(network.blocks) + ".intra_norm.weight")) ++network.blocks;
  network.emb_dim = std::max<int64_t>(1, first.size(0));
  network.microphones = first.size(1) / 2;
  network.sources = last.size(1) / 2;
  network.hidden = hidden.size(1);
  network.heads = query.size(1);
  network.n_freqs = query.size(4);
  network.attn_approx_qk_dim = query.size(2) * query.size(4);
  network.emb_ks = input.size(1) / network.emb_dim;
  const auto linear = file.tensors.find("blocks.0.intra_linear.weight");
  const bool reshaped = linear != file.tensors.end() && linear->second.dim() == 2;  // else a transposed convolution
  network.emb_hs = number(file, path, "emb_hs", reshaped ? network.emb_ks : 1);
  config.stft.n_fft = number(file, path, "n_fft", std::max<int64_t>(1, 2 * (network.n_freqs - 1)));
  config.stft.hop_length = number(file, path, "hop_length", std::max<int64_t>(1, config.stft.n_fft / 4));
  const auto window = file.metadata.find("window");
  if (window != file.metadata.end()) config.stft.window = window->second;
  config.output = output_of(file, path);
  config.fcp.past = whole(file, path, "fcp_past", config.fcp.past, 0);
  config.fcp.future = whole(file, path, "fcp_future", config.fcp.future, 0);
  config.fcp.loading = share(file, path, "fcp_loading", config.fcp.loading);
  config.fcp_xi = share(file, path, "fcp_xi", config.fcp_xi);
  if (config.stft.n_fft / 2 + 1 != network.n_freqs)
    throw_error<ModelError>("{}: expected {} bins for n_fft {}, found {}", path, config.stft.n_fft / 2 + 1,
                            config.stft.n_fft, network.n_freqs);
  return config;
}

SeparatorConfig config_of(const std::string& architecture, const SafeTensors& file, const std::string& path) {
  if (architecture == "stft-conv-tasnet") return conv_tasnet_sizes(file, path);
  if (architecture == "tf-gridnet") return far_field_config(file, path);
  throw_error<UsageError>("architecture '{}': expected stft-conv-tasnet or tf-gridnet", architecture);
}

}  // namespace

std::unique_ptr<Separator> make_separator(const SeparatorConfig& config, Precision precision, Stream stream,
                                          uint64_t seed) {
  if (const auto* sizes = std::get_if<ConvTasNetConfig>(&config))
    return std::make_unique<StftConvTasNet>(*sizes, precision, stream, seed);
  return std::make_unique<FarFieldSeparator>(std::get<FarFieldConfig>(config), precision, stream, seed);
}

std::filesystem::path model_folder(const std::filesystem::path& path) {
  const std::filesystem::path best = path / "checkpoints" / "best";
  return std::filesystem::exists(best) && !std::filesystem::exists(path / "model.safetensors") ? best : path;
}

std::filesystem::path model_file(const std::filesystem::path& path) {
  const std::filesystem::path found = model_folder(path);
  return std::filesystem::is_directory(found) ? found / "model.safetensors" : found;
}

LoadedModel load_separator(const std::string& path, const std::string& architecture, Precision precision, Stream stream,
                           const std::map<std::string, std::string>& given) {
  const std::string file_path = model_file(path).string();
  SafeTensors file = read_safetensors(file_path);
  for (const auto& [key, value] : given)
    if (const auto [known, added] = file.metadata.emplace(key, value); !added && known->second != value)
      throw_error<ModelError>("{}: expected {} {} as asked for, its metadata says {}", file_path, key, value,
                              known->second);
  const auto named = file.metadata.find("architecture");
  std::string name = architecture;
  if (name.empty()) {
    if (named == file.metadata.end())
      throw_error<UnnamedArchitecture>("{}: expected an architecture in the metadata, found none", file_path);
    name = named->second;
  } else if (named != file.metadata.end() && named->second != name) {
    throw_error<ModelError>("{}: expected architecture {}, found {}", file_path, name, named->second);
  }
  LoadedModel model;
  model.sample_rate = static_cast<int>(number(file, file_path, "sample_rate", 8000));
  model.separator = make_separator(config_of(name, file, file_path), precision, stream, /*seed=*/0);
  model.separator->parameters().load_state_dict(file.tensors, file_path);
  return model;
}

}  // namespace sunder
