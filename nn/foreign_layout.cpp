#include "nn/foreign_layout.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "nn/conv_tasnet.h"
#include "nn/stft_conv_tasnet.h"
#include "nn/tfgridnet_separator.h"
#include "tensor/ops/permute.h"

namespace sunder {
namespace {

// Parts of names. One that begins with a dot may stand anywhere, any other at the start.
struct Rename {
  std::string theirs, ours;
};

// In this order in both directions.
const std::vector<Rename>& renames(ForeignNetwork network) {
  static const std::vector<Rename> td_conv_net = {{"bottleneck.0.gamma", "input_norm.weight"},
                                                  {"bottleneck.0.beta", "input_norm.bias"},
                                                  {"bottleneck.1.", "input_conv."},
                                                  {"mask_net.0.", "output_prelu."},
                                                  {"mask_net.1.", "output_conv."},
                                                  {"TCN.", "conv_layers."},
                                                  {".shared_block.2.gamma", ".conv_layers.2.weight"},
                                                  {".shared_block.2.beta", ".conv_layers.2.bias"},
                                                  {".shared_block.5.gamma", ".conv_layers.5.weight"},
                                                  {".shared_block.5.beta", ".conv_layers.5.bias"},
                                                  {".shared_block.", ".conv_layers."},
                                                  {".res_conv.", ".res_out."},
                                                  {".skip_conv.", ".skip_out."}};
  static const std::vector<Rename> grid_net = [] {
    std::vector<Rename> result;
    for (const std::string path : {".intra_norm.", ".inter_norm."})
      result.insert(result.end(), {{path + "gamma", path + "weight"}, {path + "beta", path + "bias"}});
    for (const std::string what : {"Q", "K", "V"}) {  // of head 0
      const std::string head = ".attn_conv_" + what + "_0.", norm = ".attn_norm_" + what + ".";
      result.insert(result.end(),
                    {{head + "1.", norm + "act."}, {head + "2.", norm}, {head + "0.", ".attn_conv_" + what + "."}});
    }
    return result;
  }();
  static const std::vector<Rename> none;
  return network == ForeignNetwork::td_conv_net ? td_conv_net : network == ForeignNetwork::grid_net ? grid_net : none;
}

std::string renamed(std::string name, ForeignNetwork network, bool to_ours) {
  for (const Rename& rename : renames(network)) {
    const std::string &from = to_ours ? rename.theirs : rename.ours, &to = to_ours ? rename.ours : rename.theirs;
    const size_t at = from[0] == '.' ? name.find(from) : name.starts_with(from) ? 0 : std::string::npos;
    if (at != std::string::npos) name.replace(at, from.size(), to);
  }
  return name;
}

// Before Sunder's names.
std::string own_prefix(ForeignNetwork network) { return makes_masks(network) ? "mask_generator." : ""; }

struct Anchors {
  ForeignNetwork network;
  std::string first, second;  // two tensors that such a network has
};
const std::vector<Anchors>& anchors() {
  static const std::vector<Anchors> all = {
      {ForeignNetwork::td_conv_net, "bottleneck.1.weight", "TCN.0.shared_block.0.weight"},
      {ForeignNetwork::mask_generator, "input_conv.weight", "conv_layers.0.conv_layers.0.weight"},
      {ForeignNetwork::grid_net, "conv.0.weight", "blocks.0.intra_norm.gamma"},
      {ForeignNetwork::grid_net_v2, "conv.0.weight", "blocks.0.intra_norm.weight"}};
  return all;
}

std::vector<ForeignLayout> all_layouts(const SafeTensors& file) {
  std::vector<ForeignLayout> result;
  for (const Anchors& known : anchors()) {
    for (const auto& [name, tensor] : file.tensors) {
      if (!name.ends_with(known.first)) continue;
      const std::string prefix = name.substr(0, name.size() - known.first.size());
      if ((prefix.empty() || prefix.back() == '.') && file.tensors.contains(prefix + known.second))
        result.push_back({known.network, prefix});
    }
  }
  return result;
}

// Tensors of equal shape one after another. A norm's heads are an axis of their own.
Tensor joined(const std::vector<Tensor>& parts) {
  const Tensor& first = parts[0];
  const auto count = static_cast<int64_t>(parts.size()), each = first.numel();
  const Tensor result = Tensor::empty({count * each}, DType::float64);
  for (int64_t i = 0; i < count; ++i)
    result.slice(i * each, (i + 1) * each).copy_from(parts[i].cast(DType::float64).reshape({each}));
  Shape shape = first.shape();
  if (first.dim() == 4 && first.size(0) == 1 && first.size(2) == 1) shape.insert(shape.begin() + 1, count);  // a norm
  else if (!shape.empty()) shape[0] *= count;
  return result.reshape(shape);
}

// ESPnet's first TFGridNet has one tensor for each head of an attention.
struct HeadName {
  std::string before;  // "blocks.0.attn_conv_Q"
  int head;
  std::string after;  // ".0.weight"
  std::string of(int other) const { return fmt::format("{}_{}{}", before, other, after); }
};
std::optional<HeadName> head_name(const std::string& name) {
  const std::string_view start = ".attn_conv_?_";
  const size_t at = name.rfind(start.substr(0, 11)), digits = at + start.size();
  if (at == std::string::npos || digits >= name.size() || name[digits - 1] != '_') return std::nullopt;
  const size_t end = name.find_first_not_of("0123456789", digits);
  if (end == std::string::npos || end == digits || end > digits + 3 || name[end] != '.') return std::nullopt;
  return HeadName{name.substr(0, digits - 1), std::stoi(name.substr(digits, end - digits)), name.substr(end)};
}

// heads: by number, of one of our tensors.
ForeignTensor with_joined_heads(const std::map<int, std::pair<std::string, Tensor>>& heads, const std::string& source) {
  const auto& [first_name, first] = heads.begin()->second;
  std::vector<Tensor> parts;
  ForeignTensor result;
  for (int i = 0; i <= heads.rbegin()->first; ++i) {
    const auto found = heads.find(i);
    if (found == heads.end())
      throw_error<ModelError>("{}: expected a tensor {} of shape {}, found none", source, head_name(first_name)->of(i),
                              to_string(first.shape()));
    const auto& [name, tensor] = found->second;
    if (tensor.shape() != first.shape())
      throw_error<ModelError>("{}: expected {} of shape {}, as {}, found {}", source, name, to_string(first.shape()),
                              first_name, describe(tensor));
    result.names.push_back(name);
    parts.push_back(tensor);
  }
  result.tensor = joined(parts);
  return result;
}

// With I = J our LSTMs read a unit's channels before the next unit, and the layer after them is linear; theirs read
// channel by channel, and it is a transposed convolution (2 H, D, I).
void lay_out_units(std::map<std::string, ForeignTensor>& tensors, int64_t stride) {
  for (auto& [name, entry] : tensors) {
    const size_t path = std::min(name.find("intra_"), name.find("inter_"));
    if (path == std::string::npos) continue;
    const std::string base = name.substr(0, path + 6);
    const auto linear = tensors.find(base + "linear.weight");
    if (name.ends_with("linear.weight") || linear == tensors.end() || linear->second.tensor.dim() != 3) continue;
    const int64_t channels = linear->second.tensor.size(1), kernel = linear->second.tensor.size(2);
    Tensor& tensor = entry.tensor;
    if (kernel != stride || tensor.numel() == 0) continue;
    if (name.starts_with(base + "rnn.weight_ih") && tensor.dim() == 2 && tensor.size(1) == channels * kernel)
      tensor = permute(tensor.reshape({-1, channels, kernel}), {0, 2, 1}).reshape(tensor.shape());
    else if (name == base + "linear.bias" && tensor.shape() == Shape{channels})
      tensor = joined(std::vector<Tensor>(kernel, tensor));
  }
  for (auto& [name, entry] : tensors)
    if (name.ends_with("linear.weight") && entry.tensor.dim() == 3 && entry.tensor.size(2) == stride &&
        entry.tensor.numel() > 0)
      entry.tensor = permute(entry.tensor, {2, 1, 0}).reshape({-1, entry.tensor.size(0)});
}

}  // namespace

const char* name_of(ForeignNetwork network) {
  switch (network) {
    case ForeignNetwork::td_conv_net:
      return "Asteroid's TDConvNet";
    case ForeignNetwork::mask_generator:
      return "torchaudio's MaskGenerator";
    case ForeignNetwork::grid_net:
      return "ESPnet's TFGridNet";
    case ForeignNetwork::grid_net_v2:
      return "ESPnet's TFGridNetV2";
  }
  return "";
}

bool makes_masks(ForeignNetwork network) {
  return network == ForeignNetwork::td_conv_net || network == ForeignNetwork::mask_generator;
}

const char* architecture_of(const ForeignLayout& layout) {
  if (!makes_masks(layout.network)) return TfGridNetSeparator::architecture;
  return layout.learned_filters ? ConvTasNet::architecture : StftConvTasNet::architecture;
}

ForeignLayout find_layout(const SafeTensors& file, const std::string& source,
                          const std::vector<ForeignNetwork>& expected) {
  const std::vector<ForeignLayout> found = all_layouts(file);
  std::vector<std::string> wanted;
  for (const Anchors& known : anchors())
    if (std::ranges::find(expected, known.network) != expected.end())
      wanted.push_back(
          fmt::format("{} (which has tensors {} and {})", name_of(known.network), known.first, known.second));
  const std::string names = fmt::format("{}", fmt::join(wanted, " or "));
  if (found.empty())
    throw_error<ModelError>("{}: expected the weights of {}, found {} tensors of another network{}", source, names,
                            file.tensors.size(),
                            file.tensors.empty() ? "" : ", the first of them " + file.tensors.begin()->first);
  if (found.size() > 1)
    throw_error<ModelError>("{}: expected the weights of one network, found {} ({}*) and {} ({}*)", source,
                            name_of(found[0].network), found[0].prefix, name_of(found[1].network), found[1].prefix);
  if (std::ranges::find(expected, found[0].network) == expected.end())
    throw_error<ModelError>("{}: expected the weights of {}, found those of {}", source, names,
                            name_of(found[0].network));
  return found[0];
}

std::map<std::string, ForeignTensor> in_own_layout(const SafeTensors& file, const std::string& source,
                                                   const ForeignLayout& layout, int64_t unfold_stride) {
  std::map<std::string, ForeignTensor> result;
  std::map<std::string, std::map<int, std::pair<std::string, Tensor>>> heads;  // by our name and head
  const bool is_grid_net = layout.network == ForeignNetwork::grid_net;
  for (const auto& [name, tensor] : file.tensors) {
    if (!name.starts_with(layout.prefix) || !is_real(tensor.dtype())) continue;
    const std::string rest = name.substr(layout.prefix.size());
    if (const auto of_head = is_grid_net ? head_name(rest) : std::nullopt) {
      heads[renamed(of_head->of(0), layout.network, true)][of_head->head] = {name, tensor};
      continue;
    }
    const bool is_norm = is_grid_net && rest.find("_norm.") != std::string::npos;  // (1, D, 1, 1)
    result[own_prefix(layout.network) + renamed(rest, layout.network, true)] = {
        {name}, is_norm ? tensor.reshape({tensor.numel()}) : tensor};
  }
  for (const auto& [own, parts] : heads) result[own] = with_joined_heads(parts, source);
  if (is_grid_net) lay_out_units(result, unfold_stride);
  return result;
}

std::string foreign_name(const ForeignLayout& layout, const std::string& name) {
  const std::string own = own_prefix(layout.network);
  return layout.prefix + renamed(name.starts_with(own) ? name.substr(own.size()) : name, layout.network, false);
}

}  // namespace sunder
