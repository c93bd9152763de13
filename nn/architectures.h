// Networks by name, as a recipe or a model file names them. A new architecture is nn/X.{h,cpp} and a row of the table
// in architectures.cpp.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "files/safetensors.h"
#include "files/settings.h"
#include "nn/precision.h"
#include "nn/separator.h"

namespace sunder {

// The sizes of one architecture's network.
class SeparatorConfig {
 public:
  virtual ~SeparatorConfig() = default;
  virtual std::unique_ptr<SeparatorConfig> clone() const = 0;
  // The keys of a recipe's [model].
  virtual Fields fields() = 0;
  // What stands in a model file besides, because a training's method or another section of its recipe decides it.
  virtual Fields derived_fields() = 0;
  // Takes the sizes from a file's metadata, and from its tensors' shapes where the metadata does not say. Throws
  // ModelError for a state dict of another network.
  virtual void read_model_file(const SafeTensors& file, const std::string& source) = 0;
  // Whether the network maps spectra to spectra (SpectralSeparator).
  virtual bool spectral() const = 0;
  // Throws UsageError for sizes that do not go together.
  virtual std::unique_ptr<Separator> make(Precision precision, Stream stream, uint64_t seed) const = 0;
};

// [model] of a recipe: an architecture and its sizes. Keys that several architectures have are set in all of them, so
// that the order in which a recipe, --set and the environment name the architecture and its sizes does not matter.
class ModelConfig {
 public:
  ModelConfig();
  ModelConfig(const ModelConfig& other);
  ModelConfig& operator=(const ModelConfig& other);

  std::string architecture;
  // The architecture's own keys alone, as they are printed and compared.
  Fields fields();
  // With those of all other architectures, as they are read.
  Fields all_fields();
  SeparatorConfig& separator() const;

  int64_t sources() const;      // in a mixture
  int64_t microphones() const;  // that the network takes; 1 where the architecture has no such key

 private:
  std::vector<std::unique_ptr<SeparatorConfig>> configs_;  // one an architecture, in the order of the table
};

// The network of a model file: sizes from the metadata, or from the shapes of a state dict that was saved elsewhere
// (then `architecture` names it). `path` is a file, a checkpoint folder or a run folder, whose best checkpoint is
// taken. `given` says by metadata key what neither metadata nor shapes tell: num_layers (4), num_stacks (what is left),
// hop_length (n_fft / 4), sample_rate (8000 Hz). Throws ModelError for a file that fits no network or contradicts what
// is given, UnnamedArchitecture, and UnknownName for an architecture that is none. A TF-GridNet without metadata is
// taken to give images (PIT), with a hop of a quarter frame.
struct LoadedModel {
  std::unique_ptr<Separator> separator;
  int sample_rate = 8000;
};
LoadedModel load_separator(const std::string& path, const std::string& architecture, Precision precision, Stream stream,
                           const std::map<std::string, std::string>& given = {});

// The keys that describe a network in a model file's metadata, of all architectures.
std::vector<std::string> metadata_keys();

// A file whose metadata does not say what network it is of.
struct UnnamedArchitecture : ModelError {
  using ModelError::ModelError;
};

// The folder or file that holds the weights: for a run folder its best checkpoint, otherwise `path` itself.
std::filesystem::path model_folder(const std::filesystem::path& path);
// The file itself: model.safetensors of that folder.
std::filesystem::path model_file(const std::filesystem::path& path);

}  // namespace sunder
