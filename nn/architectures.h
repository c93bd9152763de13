// Network architectures by the names that recipes and model files use. A new one is nn/X.{h,cpp} and a row of the table
// in architectures.cpp.
#pragma once

#include <filesystem>
#include <functional>
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
  // Further keys of a model file: values that the training method or another section of the recipe decides.
  virtual Fields derived_fields() = 0;
  // Reads each size from a file's metadata or, where a key is missing, from the shapes of the tensors. Throws
  // ModelError for a state dict of another network.
  virtual void read_model_file(const SafeTensors& file, const std::string& source) = 0;
  // Whether the network maps spectra to spectra (SpectralSeparator).
  virtual bool spectral() const = 0;
  // Whether the estimates add up to the mixture, whatever the weights are.
  virtual bool adds_up() const = 0;
  // Throws UsageError for sizes that contradict each other.
  virtual std::unique_ptr<Separator> make(Precision precision, Stream stream,
                                          const Initialisation& initialisation) const = 0;
};

// A recipe's [model]: an architecture and its sizes. A key that several architectures share is set in all of them: a
// recipe, --set and the environment may give the architecture and its sizes in any order.
class ModelConfig {
 public:
  ModelConfig();
  ModelConfig(const ModelConfig& other);
  ModelConfig& operator=(const ModelConfig& other);

  std::string architecture;
  // The keys of the chosen architecture, for printing and comparing.
  Fields fields();
  // The keys of all architectures, for reading.
  Fields all_fields();
  SeparatorConfig& separator() const;

  int64_t sources() const;      // in a mixture
  int64_t microphones() const;  // input channels; 1 where the architecture has no such key

 private:
  std::vector<std::unique_ptr<SeparatorConfig>> configs_;  // one per architecture, in table order
};

// Loads the network of a model file. Sizes come from the metadata, or from the shapes of a plain state dict (then
// `architecture` names the network). `path`: a file, a checkpoint folder, or a run folder, whose best checkpoint is
// loaded. `given` supplies by metadata key what neither metadata nor shapes contain (defaults in parentheses):
// num_layers (4, of a conv-tasnet 8), num_stacks (blocks / num_layers), hop_length (n_fft / 4), sample_rate (8000 Hz).
// A TF-GridNet without metadata is assumed to output images (PIT), with hop_length n_fft / 4. Throws ModelError for a
// file that fits no network, contradicts `given` or holds numbers that are not finite, UnnamedArchitecture, and
// UsageError for an unknown `architecture` and for values of `given` that are out of range or allow no network.
struct LoadedModel {
  std::unique_ptr<Separator> separator;
  int sample_rate = 8000;
  std::map<std::string, std::string> metadata;  // of the file, and what was given
  // The same network with a copy of the weights on another stream of its device: a network works on its weights'
  // stream.
  std::function<std::unique_ptr<Separator>(Stream)> copy_to;
};
LoadedModel load_separator(const std::string& path, const std::string& architecture, Precision precision, Stream stream,
                           const std::map<std::string, std::string>& given = {});

// The same from a file that was read; errors call it `source`.
LoadedModel load_separator(SafeTensors file, const std::string& source, const std::string& architecture,
                           Precision precision, Stream stream, const std::map<std::string, std::string>& given = {});

// The configuration of a model file's network. `architecture`: the one that it is expected to have; empty: the one that
// it names. Throws like load_separator.
ModelConfig read_model_config(const SafeTensors& file, const std::string& source, const std::string& architecture = "");

// The metadata keys that describe a network, of all architectures.
std::vector<std::string> metadata_keys();

// Values by these keys or sample_rate. Throws UsageError for one that is out of range, and UnknownName.
void check_given(const std::map<std::string, std::string>& given);

// A file whose metadata names no architecture.
struct UnnamedArchitecture : ModelError {
  using ModelError::ModelError;
};

// The folder or file that holds the weights: for a run folder its best checkpoint, otherwise `path` itself; pointers
// are followed (files/folder_pointer.h).
std::filesystem::path model_folder(const std::filesystem::path& path);
// The model file: `path` itself, or model.safetensors in that folder.
std::filesystem::path model_file(const std::filesystem::path& path);

}  // namespace sunder
