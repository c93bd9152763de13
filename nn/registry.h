// Networks by name: what a recipe or a model file calls them.
#pragma once

#include "nn/separator.h"

namespace sunder {

// architecture: "stft-conv-tasnet". Throws UsageError for another name.
std::unique_ptr<Separator> make_separator(const std::string& architecture, const ConvTasNetConfig& config, DType dtype,
                                          Stream stream, uint64_t seed);

// The network of a model file: sizes from the metadata, or from the shapes of a state dict that was saved elsewhere
// (then `architecture` names it, and n_fft and hop_length are what the metadata or the defaults say). Sample rate in Hz,
// 8000 unless the metadata names one. Throws CheckpointError for a file that fits no network.
struct LoadedModel {
  std::unique_ptr<Separator> separator;
  int sample_rate = 8000;
};
LoadedModel load_separator(const std::string& path, const std::string& architecture, DType dtype, Stream stream);

}  // namespace sunder
