// Networks from the weights of other projects (docs/import.md).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "files/safetensors.h"
#include "nn/foreign_projects.h"
#include "nn/separator.h"

namespace sunder {

// What a network must know besides its weights, and how it is known.
struct ForeignSetting {
  std::string key, value;
  std::string
      origin;  // "given", "metadata" (of the file), "filters" (its STFT), "shapes", or "assumed" for the project
  std::string help;
};

struct ForeignModel {
  std::unique_ptr<Separator> separator;         // float32, on the CPU
  std::map<std::string, std::string> metadata;  // of the model file
  ForeignLayout layout;
  std::vector<ForeignSetting> settings;
  std::vector<std::string> ignored;  // tensors that are no weights of the network: "NAME, TYPE and shape"
};

// The network of a state dict of `project`. `file` comes from read_safetensors_and_others. `given`: settings by
// metadata key; they replace what would be assumed. Throws ModelError naming the tensor, the shape that is expected and
// what is found, for weights of another network and for values of `given` that the file contradicts; UsageError for an
// unknown project or key and for values of `given` that are out of range or allow no network.
ForeignModel foreign_model(const SafeTensors& file, const std::string& source, const std::string& project,
                           const std::map<std::string, std::string>& given = {});

}  // namespace sunder
