// Weights under the names and in the layouts of other projects, as those of Sunder's networks (docs/import.md).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "files/safetensors.h"

namespace sunder {

enum class ForeignNetwork {
  td_conv_net,     // Asteroid's TDConvNet, the masker of its ConvTasNet
  mask_generator,  // torchaudio's MaskGenerator, as it stands in torchaudio's ConvTasNet and in MixCycle's network
  grid_net,        // ESPnet's TFGridNet
  grid_net_v2,     // ESPnet's TFGridNetV2, also in MERL's UNSSOR
};
const char* name_of(ForeignNetwork network);  // "Asteroid's TDConvNet"

struct ForeignLayout {
  ForeignNetwork network;
  std::string prefix;            // before the network's names in the file: "", "module.", "separator."
  bool learned_filters = false;  // around a mask network (nn/foreign_filterbank.h)
};

// Which of `expected` the file holds. Throws ModelError where it holds none or two.
ForeignLayout find_layout(const SafeTensors& file, const std::string& source,
                          const std::vector<ForeignNetwork>& expected);

struct ForeignTensor {
  std::vector<std::string> names;  // in the file: one, or those of an attention's heads
  Tensor tensor;
};

// The network's floating-point tensors by Sunder's names, in Sunder's layouts. unfold_stride: TF-GridNet's J, which
// decides how ESPnet's first TFGridNet is laid out here. Throws ModelError for heads of an attention that are missing
// or of different shapes.
std::map<std::string, ForeignTensor> in_own_layout(const SafeTensors& file, const std::string& source,
                                                   const ForeignLayout& layout, int64_t unfold_stride);

// What one of Sunder's names is called in the file.
std::string foreign_name(const ForeignLayout& layout, const std::string& name);

const char* architecture_of(const ForeignLayout& layout);  // Sunder's
bool makes_masks(ForeignNetwork network);                  // of a Conv-TasNet

}  // namespace sunder
