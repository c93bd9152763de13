// Networks by name: what a recipe or a model file calls them.
#pragma once

#include <filesystem>
#include <variant>

#include "nn/precision.h"
#include "nn/separator.h"
#include "nn/tfgridnet_separator.h"

namespace sunder {

// "stft-conv-tasnet" and "tf-gridnet".
using SeparatorConfig = std::variant<ConvTasNetConfig, FarFieldConfig>;
std::unique_ptr<Separator> make_separator(const SeparatorConfig& config, Precision precision, Stream stream,
                                          uint64_t seed);

// A file whose metadata does not say what network it is of.
struct UnnamedArchitecture : ModelError {
  using ModelError::ModelError;
};

// The network of a model file: sizes from the metadata, or from the shapes of a state dict that was saved elsewhere
// (then `architecture` names it). `path` is a file, a checkpoint folder or a run folder, whose best checkpoint is
// taken. `given` says by metadata key what neither metadata nor shapes tell: num_layers (4), num_stacks (what is left),
// hop_length (n_fft / 4), sample_rate (8000 Hz). Throws ModelError for a file that fits no network or contradicts
// what is given. A TF-GridNet without metadata is taken to give images (PIT), with a hop of a quarter frame.
struct LoadedModel {
  std::unique_ptr<Separator> separator;
  int sample_rate = 8000;
};
LoadedModel load_separator(const std::string& path, const std::string& architecture, Precision precision, Stream stream,
                           const std::map<std::string, std::string>& given = {});

// The folder or file that holds the weights: for a run folder its best checkpoint, otherwise `path` itself.
std::filesystem::path model_folder(const std::filesystem::path& path);
// The file itself: model.safetensors of that folder.
std::filesystem::path model_file(const std::filesystem::path& path);

}  // namespace sunder
