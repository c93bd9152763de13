#include "nn/architectures.h"

#include <algorithm>

#include "audio/sample_rate.h"
#include "files/folder_pointer.h"
#include "nn/conv_tasnet.h"
#include "nn/stft_conv_tasnet.h"
#include "nn/tfgridnet_separator.h"

namespace sunder {
namespace {

template <class Config, class Network>
class ConfigOf : public SeparatorConfig {
 public:
  std::unique_ptr<SeparatorConfig> clone() const override { return std::make_unique<ConfigOf>(*this); }
  Fields fields() override { return sunder::fields(config_); }
  Fields derived_fields() override { return sunder::derived_fields(config_); }
  void read_model_file(const SafeTensors& file, const std::string& source) override {
    sunder::read_model_file(config_, file, source);
  }
  bool spectral() const override { return std::is_base_of_v<SpectralSeparator, Network>; }
  bool adds_up() const override { return sunder::adds_up(config_); }
  std::unique_ptr<Separator> make(Precision precision, Stream stream,
                                  const Initialisation& initialisation) const override {
    return std::make_unique<Network>(config_, precision, stream, initialisation);
  }

 private:
  Config config_;
};

struct Architecture {
  const char* name;
  std::unique_ptr<SeparatorConfig> (*config)();
};

template <class Config, class Network>
constexpr Architecture architecture() {
  return {Network::architecture,
          [] { return std::unique_ptr<SeparatorConfig>(std::make_unique<ConfigOf<Config, Network>>()); }};
}

constexpr Architecture architectures[] = {
    architecture<StftConvTasNetConfig, StftConvTasNet>(),
    architecture<ConvTasNetConfig, ConvTasNet>(),
    architecture<TfGridNetSeparatorConfig, TfGridNetSeparator>(),
};

std::vector<std::string> architecture_names() {
  std::vector<std::string> names;
  for (const Architecture& known : architectures) names.emplace_back(known.name);
  return names;
}

size_t index_of(const std::string& name) {
  for (size_t i = 0; i < std::size(architectures); ++i)
    if (name == architectures[i].name) return i;
  throw UnknownName(
      fmt::format("architecture: expected one of {}, got '{}'", fmt::join(architecture_names(), ", "), name), name,
      architecture_names());
}

int64_t size_of(SeparatorConfig& config, const std::string& name, int64_t otherwise) {
  for (const Field& field : config.fields())
    if (field.name == name) return *std::get<int64_t*>(field.value);
  return otherwise;
}

}  // namespace

ModelConfig::ModelConfig() : architecture(architectures[0].name) {
  for (const Architecture& known : architectures) configs_.push_back(known.config());
}

ModelConfig::ModelConfig(const ModelConfig& other) { *this = other; }

ModelConfig& ModelConfig::operator=(const ModelConfig& other) {
  if (this == &other) return *this;
  architecture = other.architecture;
  configs_.clear();
  for (const auto& config : other.configs_) configs_.push_back(config->clone());
  return *this;
}

SeparatorConfig& ModelConfig::separator() const { return *configs_[index_of(architecture)]; }

Fields ModelConfig::fields() {
  return Fields{text("architecture", &architecture, "network architecture", architecture_names())} +
         separator().fields();
}

Fields ModelConfig::all_fields() {
  Fields result = fields();
  for (const auto& config : configs_)
    if (config.get() != &separator()) result = merged(std::move(result), config->fields());
  return result;
}

int64_t ModelConfig::sources() const { return size_of(separator(), "sources", 1); }
int64_t ModelConfig::microphones() const { return size_of(separator(), "microphones", 1); }

std::vector<std::string> metadata_keys() {
  Fields all;
  std::vector<std::unique_ptr<SeparatorConfig>> configs;
  for (const Architecture& known : architectures) {
    configs.push_back(known.config());
    all = merged(std::move(all), configs.back()->fields() + configs.back()->derived_fields());
  }
  std::vector<std::string> keys;
  for (const Field& field : all) keys.push_back(field.name);
  return keys;
}

std::filesystem::path model_folder(const std::filesystem::path& path) {
  const std::filesystem::path best = path / "checkpoints" / "best";
  const bool is_run = std::filesystem::exists(best) && !std::filesystem::exists(path / "model.safetensors");
  return follow_pointer(is_run ? best : path);
}

std::filesystem::path model_file(const std::filesystem::path& path) {
  const std::filesystem::path found = model_folder(path);
  return std::filesystem::is_directory(found) ? found / "model.safetensors" : found;
}

ModelConfig read_model_config(const SafeTensors& file, const std::string& source, const std::string& architecture) {
  ModelConfig model;
  const auto named = file.metadata.find("architecture");
  if (named == file.metadata.end() && architecture.empty())
    throw_error<UnnamedArchitecture>("{}: expected an architecture in the metadata, found none", source);
  if (!architecture.empty()) index_of(architecture);
  model.architecture = architecture.empty() ? named->second : architecture;
  if (named != file.metadata.end() && named->second != model.architecture)
    throw_error<ModelError>("{}: expected architecture {}, found {}", source, architecture, named->second);
  const std::vector<std::string> known = architecture_names();
  if (std::find(known.begin(), known.end(), model.architecture) == known.end())
    throw_error<ModelError>("{}: expected an architecture of {}, found '{}' in the metadata", source,
                            fmt::join(known, ", "), model.architecture);
  model.separator().read_model_file(file, source);
  return model;
}

namespace {

Field rate_field(int* rate) { return number("sample_rate", rate, lowest_sample_rate, highest_sample_rate, "Hz"); }

}  // namespace

void check_given(const std::map<std::string, std::string>& given) {
  std::vector<std::unique_ptr<SeparatorConfig>> configs;
  int rate = 0;
  Fields fields{rate_field(&rate)};
  for (const Architecture& known : architectures) {
    configs.push_back(known.config());
    fields = merged(std::move(fields), configs.back()->fields() + configs.back()->derived_fields());
  }
  for (const auto& [key, value] : given) assign(find(fields, key, key), value, key);
}

namespace {

// Adds what the caller gave to the metadata, after checking its ranges: a mistake there is the caller's, not the
// file's. Returns whether anything was added.
bool add_given(const std::map<std::string, std::string>& given, SafeTensors& file, const std::string& source) {
  check_given(given);
  bool any = false;
  for (const auto& [key, value] : given) {
    const auto [known, added] = file.metadata.emplace(key, value);
    any |= added;
    if (!added && known->second != value)
      throw_error<ModelError>("{}: expected {} {} as given, its metadata says {}", source, key, value, known->second);
  }
  return any;
}

}  // namespace

LoadedModel load_separator(const std::string& path, const std::string& architecture, Precision precision, Stream stream,
                           const std::map<std::string, std::string>& given) {
  const std::string source = model_file(path).string();
  return load_separator(read_safetensors(source), source, architecture, precision, stream, given);
}

LoadedModel load_separator(SafeTensors file, const std::string& source, const std::string& architecture,
                           Precision precision, Stream stream, const std::map<std::string, std::string>& given) {
  const bool has_given = add_given(given, file, source);
  const ModelConfig model = read_model_config(file, source, architecture);
  LoadedModel loaded;
  read_metadata({rate_field(&loaded.sample_rate)}, file.metadata, source);
  // First of all: sizes in the metadata may be any, and ask for any memory.
  const auto check = [&](const std::string& name, const Shape& shape) {
    check_tensor(file.tensors, name, shape, source);
  };
  try {
    loaded.separator = model.separator().make(precision, stream, {/*seed=*/0, check});
  } catch (const UsageError& error) {
    if (has_given) throw;
    throw_error<ModelError>("{}: {}", source, error.what());
  }
  loaded.separator->parameters().load_state_dict(file.tensors, source);
  loaded.metadata = std::move(file.metadata);
  loaded.copy_to = [model, precision, weights = loaded.separator->parameters().values()](Stream to) {
    auto copy = model.separator().make(precision, to, /*seed=*/0);
    copy->parameters().values().copy_from(weights.to(cpu_device));
    return copy;
  };
  return loaded;
}

}  // namespace sunder
