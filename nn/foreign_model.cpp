#include "nn/foreign_model.h"

#include <algorithm>
#include <set>

#include "audio/sample_rate.h"
#include "nn/architectures.h"
#include "nn/foreign_filterbank.h"

namespace sunder {
namespace {

using Settings = std::map<std::string, std::string>;
using Tensors = std::map<std::string, ForeignTensor>;

bool shown_by_shapes(const std::string& key) {
  static const std::set<std::string> keys = {
      "sources",     "microphones", "n_fft",  "num_feats", "num_hidden", "emb_dim",     "num_blocks",  "emb_ks",
      "lstm_hidden", "kernel_size", "emb_hs", "heads",     "features",   "qk_channels", "num_filters", "filter_length"};
  return keys.contains(key);
}

// The name without its last part: "a." for "a.b."
std::string parent(const std::string& prefix) {
  const size_t dot = prefix.empty() ? std::string::npos : prefix.rfind('.', prefix.size() - 2);
  return dot == std::string::npos ? "" : prefix.substr(0, dot + 1);
}

// Networks that have the same tensors and compute something else.
void check_asteroid(const Settings& metadata, const std::string& source) {
  const auto bank = metadata.find("fb_name");
  const std::set<std::string> known = {"stft", "STFTFB", "free", "FreeFB"};
  if (bank != metadata.end() && !known.contains(bank->second))
    throw_error<ModelError>("{}: expected fb_name stft or free, found {} in the metadata", source, bank->second);
  const std::tuple<const char*, const char*, const char*> expected[] = {
      {"norm_type", "gLN", "global layer norms"}, {"causal", "False", "convolutions that also see what follows"}};
  for (const auto& [key, value, meaning] : expected) {
    const auto found = metadata.find(key);
    if (found != metadata.end() && found->second != value)
      throw_error<ModelError>("{}: expected {} {} ({}), found {} in the metadata", source, key, value, meaning,
                              found->second);
  }
}

// What is known of a network besides its weights: by our metadata keys, the first to say it wins.
struct Known {
  Settings values, origins;
  void add(const std::string& key, const std::string& value, const char* origin) {
    if (values.emplace(key, value).second) origins[key] = origin;
  }
};

// From the file: its filters and its metadata.
Known known_from(const SafeTensors& file, const ForeignFilterbank& filters, const ForeignProject& project) {
  Known known;
  if (const auto& stft = filters.stft) {
    known.add("n_fft", std::to_string(stft->n_fft), "filters");
    known.add("hop_length", std::to_string(stft->hop_length), "filters");
    known.add("window", stft->window, "filters");
  }
  const std::vector<std::string> own = metadata_keys();
  for (const auto& [key, value] : file.metadata) {
    const auto translated = project.keys.find(key);
    const std::string of_stft = translated == project.keys.end() ? key : translated->second;
    const std::string name = filters.learned ? key_of_learned_filters(of_stft) : of_stft;
    if (value == "None") continue;             // Asteroid's encoder_activation
    const bool whole = value.ends_with(".0");  // Asteroid's rates are floating-point numbers
    if (name == "sample_rate" || std::ranges::find(own, name) != own.end())
      known.add(name, whole ? value.substr(0, value.size() - 2) : value, "metadata");
  }
  return known;
}

void add_given(const Settings& given, const std::string& source, bool learned_filters, Known& known) {
  check_given(given);
  for (const auto& [given_key, value] : given) {
    const std::string key = learned_filters ? key_of_learned_filters(given_key) : given_key;
    known.add(key, value, "given");
    if (known.values[key] != value)
      throw_error<ModelError>("{}: expected {} {} as given, its {} say {}", source, key, value, known.origins[key],
                              known.values[key]);
  }
}

// How Asteroid's inputs are read: an odd number of magnitudes, an even number of real and imaginary parts, or as many
// as there are learned filters.
void assume_for_asteroid(const Tensors& tensors, bool learned_filters, Known& known) {
  const auto input = tensors.find("mask_generator.input_conv.weight");
  const bool odd = input != tensors.end() && input->second.tensor.dim() == 3 && input->second.tensor.size(1) % 2 == 1;
  if (!learned_filters) known.add("features", odd ? "magnitude" : "real_imag", "shapes");
  int64_t blocks = 0;
  while (tensors.contains(fmt::format("mask_generator.conv_layers.{}.conv_layers.0.weight", blocks))) ++blocks;
  if (blocks % 8 == 0 && !known.values.contains("num_stacks")) known.add("num_layers", "8", "assumed");
}

// Their stride and the masks' activation stand in no shape.
void assume_for_learned_filters(const Tensor& encoder, const std::string& source, Known& known) {
  known.add("filter_stride", std::to_string(std::max<int64_t>(1, encoder.size(2) / 2)), "assumed");
  if (!known.values.contains("mask_activation"))
    throw_error<ModelError>(
        "{}: expected mask_activation to be given, found none: torchaudio's conv_tasnet_base has relu, and its "
        "ConvTasNet sigmoid unless it was made otherwise",
        source);
}

// The tensors that sizes are read from, by the names that they have in the file.
void check_sizes(const Tensors& tensors, const ForeignLayout& layout, const std::string& source) {
  static const std::map<std::string, int> of_masks = {{"mask_generator.input_conv.weight", 3},
                                                      {"mask_generator.output_conv.weight", 3},
                                                      {"mask_generator.conv_layers.0.conv_layers.3.weight", 3}};
  static const std::map<std::string, int> of_spectra = {{"conv.0.weight", 4},
                                                        {"deconv.weight", 4},
                                                        {"blocks.0.intra_rnn.weight_ih_l0", 2},
                                                        {"blocks.0.intra_rnn.weight_hh_l0", 2},
                                                        {"blocks.0.attn_norm_Q.gamma", 5}};
  for (const auto& [name, dim] : makes_masks(layout.network) ? of_masks : of_spectra) {
    const auto found = tensors.find(name);
    if (found == tensors.end() || found->second.tensor.dim() != dim)
      throw_error<ModelError>("{}: expected a tensor {} with {} axes ({}), found {}", source,
                              found == tensors.end() ? foreign_name(layout, name) : found->second.names[0], dim,
                              name_of(layout.network),
                              found == tensors.end() ? "none" : describe(found->second.tensor));
  }
}

// Sizes from the shapes, the rest from what is known, which the hop is added to where nothing says it.
ModelConfig read_config(SafeTensors& file, const std::string& source, const ForeignLayout& layout,
                        int64_t hops_per_frame, Known& known) {
  const auto read = [&] {
    file.metadata = known.values;
    return read_model_config(file, source, architecture_of(layout));
  };
  ModelConfig config = read();
  if (known.values.contains("hop_length")) return config;
  for (const Field& field : config.separator().fields())
    if (field.name == "n_fft")
      known.add("hop_length", std::to_string(std::max<int64_t>(1, *std::get<int64_t*>(field.value) / hops_per_frame)),
                "assumed");
  return read();
}

std::unique_ptr<Separator> make(const ModelConfig& config, const Tensors& tensors, const ForeignLayout& layout,
                                const std::string& source, bool has_given) {
  const auto check = [&](const std::string& name, const Shape& shape) {
    const auto found = tensors.find(name);
    if (found == tensors.end())
      throw_error<ModelError>("{}: expected a tensor {} of shape {}, found none", source, foreign_name(layout, name),
                              to_string(shape));
    if (found->second.tensor.shape() != shape)
      throw_error<ModelError>("{}: expected {} of shape {}, found {}", source, found->second.names[0], to_string(shape),
                              describe(found->second.tensor));
  };
  try {
    return config.separator().make(parse_precision("fp32", cpu_device), cpu_device, {/*seed=*/0, check});
  } catch (const UsageError& error) {
    if (has_given) throw;
    throw_error<ModelError>("{}: {}", source, error.what());
  }
}

void load(const Separator& separator, const Tensors& tensors, const std::string& source) {
  std::map<std::string, Tensor> weights;
  for (const auto& [name, tensor] : separator.parameters().state_dict()) weights[name] = tensors.at(name).tensor;
  separator.parameters().load_state_dict(weights, source);
}

// Whether a floating-point tensor among the network's is none of its weights. `own`: its name under our names.
bool is_buffer(const std::string& own, const Separator& separator) {
  for (const char* name : {"window", "torch_window", "num_batches_tracked"})
    if (own == name || own.ends_with(std::string(".") + name)) return true;
  // Asteroid's last block has a residual that nothing reads.
  const size_t last = own.find(".res_out.");
  return last != std::string::npos &&
         separator.parameters().state_dict().contains(own.substr(0, last) + ".skip_out.weight");
}

std::vector<std::string> ignored(const SafeTensors& file, const Tensors& tensors, const Separator& separator,
                                 const std::string& source) {
  const auto own = separator.parameters().state_dict();
  std::set<std::string> used;
  std::vector<std::string> result;
  for (const auto& [name, entry] : tensors) {
    if (own.contains(name)) used.insert(entry.names.begin(), entry.names.end());
    else if (!is_buffer(name, separator))
      throw_error<ModelError>("{}: holds a tensor {} that the network does not have", source, entry.names[0]);
  }
  for (const auto& [name, tensor] : file.tensors)
    if (!used.contains(name))
      result.push_back(fmt::format("{}, {} {}", name, to_string(tensor.dtype()), to_string(tensor.shape())));
  for (const auto& [name, type] : file.others) result.push_back(fmt::format("{}, {}", name, type));
  return result;
}

std::vector<ForeignSetting> settings(const ModelConfig& config, int sample_rate, const Known& known) {
  std::vector<ForeignSetting> result;
  SeparatorConfig& separator = config.separator();
  Fields fields = separator.fields() + separator.derived_fields();
  fields.push_back(number("sample_rate", &sample_rate, lowest_sample_rate, highest_sample_rate, "Hz"));
  for (const Field& field : fields) {
    const auto found = known.origins.find(field.name);
    const bool stacks = field.name == "num_layers" || field.name == "num_stacks";
    if (found != known.origins.end() || stacks || shown_by_shapes(field.name))
      result.push_back({field.name, text_of(field),
                        found != known.origins.end() ? found->second
                        : stacks                     ? "assumed"
                                                     : "shapes",
                        field.help});
  }
  return result;
}

}  // namespace

ForeignModel foreign_model(const SafeTensors& file, const std::string& source, const std::string& project_name,
                           const std::map<std::string, std::string>& given) {
  const ForeignProject& project = foreign_project(project_name);
  if (file.metadata.contains("architecture"))
    throw_error<ModelError>("{}: expected weights of another project, found a model of Sunder's", source);
  ForeignModel result;
  ForeignLayout& layout = result.layout;
  layout = find_layout(file, source, project.networks);
  ForeignFilterbank filters;
  if (makes_masks(layout.network)) filters = find_filterbank(file, source, parent(layout.prefix));
  const auto& [stft, learned] = filters;
  layout.learned_filters = learned.has_value();
  if (project.name == "asteroid") check_asteroid(file.metadata, source);
  Known known = known_from(file, filters, project);
  add_given(given, source, layout.learned_filters, known);
  int64_t unfold_stride = 0;
  if (layout.network == ForeignNetwork::grid_net) {
    known.add("emb_hs", "1", "assumed");
    known.add("unfold_padding", "behind", "assumed");
    read_metadata({number("emb_hs", &unfold_stride, 1, 1024, "")}, known.values, source);
  }
  Tensors tensors = in_own_layout(file, source, layout, unfold_stride);
  if (layout.network == ForeignNetwork::td_conv_net) assume_for_asteroid(tensors, layout.learned_filters, known);
  for (const auto& [key, value] : project.assumed) known.add(key, value, "assumed");
  if (learned) assume_for_learned_filters(file.tensors.at(learned->encoder), source, known);
  known.add("sample_rate", "8000", "assumed");
  check_sizes(tensors, layout, source);

  const auto of_filters = [&](const auto& entry) {
    const std::string& name = entry.second.names[0];
    return (stft && std::ranges::find(stft->tensors, name) != stft->tensors.end()) ||
           (learned && (name == learned->encoder || name == learned->decoder));
  };
  std::erase_if(tensors, of_filters);
  if (learned) {
    tensors["encoder.weight"] = {{learned->encoder}, file.tensors.at(learned->encoder)};
    tensors["decoder.weight"] = {{learned->decoder}, file.tensors.at(learned->decoder)};
  }
  SafeTensors converted;
  for (const auto& [name, entry] : tensors) converted.tensors[name] = entry.tensor;
  const ModelConfig config = read_config(converted, source, layout, project.hops_per_frame, known);
  int sample_rate = 0;
  read_metadata({number("sample_rate", &sample_rate, lowest_sample_rate, highest_sample_rate, "Hz")}, known.values,
                source);
  result.separator = make(config, tensors, layout, source, !given.empty());
  load(*result.separator, tensors, source);
  result.ignored = ignored(file, tensors, *result.separator, source);
  result.settings = settings(config, sample_rate, known);
  result.metadata = result.separator->metadata();
  result.metadata["sample_rate"] = std::to_string(sample_rate);
  result.metadata["imported_from"] = project.name;
  return result;
}

}  // namespace sunder
