// Conv-TasNet with learned filters (Luo and Mesgarani, 2019) as torchaudio.models.ConvTasNet and Asteroid's ConvTasNet:
// short overlapping frames of the waveform, their products with a bank of filters as features, masks of these, and the
// masked features times a second bank, overlap-added.
#pragma once

#include "files/safetensors.h"
#include "nn/mask_generator.h"
#include "nn/precision.h"
#include "nn/separator.h"
#include "tensor/ops/unfold.h"

namespace sunder {

// Defaults are those of the paper's best network.
struct ConvTasNetConfig {
  int64_t sources = 2;
  int64_t num_filters = 512;
  int64_t filter_length = 16, filter_stride = 8;  // samples
  // What lies beyond the ends of a signal. "zeros": so many before it that the first frame ends with sample
  // filter_length - filter_stride, the same number behind it, and more until the frames cover the last sample
  // (torchaudio). "none": frames lie inside the signal; samples behind the last frame are zero in every estimate
  // (Asteroid).
  std::string filter_padding = "zeros";
  std::string encoder_activation = "linear";  // of the features, or "relu"
  std::string mask_activation = "sigmoid";    // or "relu"
  int64_t num_feats = 128;                    // channels between blocks
  int64_t num_hidden = 512;                   // channels inside a block
  int64_t kernel_size = 3;                    // frames
  int64_t num_layers = 8;                     // blocks per stack, dilations 1, 2, 4, ...
  int64_t num_stacks = 3;
  bool remove_mean = false;          // from each mixture; the estimates then have none
  bool mixture_consistency = false;  // nn/mixture_consistency.h
};

// The keys of [model] and of a model file.
Fields fields(ConvTasNetConfig& config);
inline Fields derived_fields(ConvTasNetConfig&) { return {}; }
inline bool adds_up(const ConvTasNetConfig& config) { return config.mixture_consistency; }
// Sizes from the metadata, or else from the shapes, with stacks of eight blocks and a stride of half a filter. Throws
// ModelError.
void read_model_file(ConvTasNetConfig& config, const SafeTensors& file, const std::string& source);

class ConvTasNet : public Separator {
 public:
  static constexpr const char* architecture = "conv-tasnet";

  // Throws UsageError for sizes out of range, an even kernel size and a stride longer than the filters.
  ConvTasNet(const ConvTasNetConfig& config, Precision precision, Stream stream, const Initialisation& initialisation);

  Variable forward(const Tensor& mixture) const override;
  int64_t sources() const override { return config_.sources; }
  int64_t shortest_input() const override;
  std::map<std::string, std::string> metadata() const override;
  const ConvTasNetConfig& config() const { return config_; }

 private:
  SlidingWindow frames() const;
  int64_t framed(int64_t length) const;
  Variable encoded(const Tensor& signal) const;                            // (B, L) -> (B, T, N)
  Variable decoded(const Variable& masked, int64_t length) const;          // (B, T, S, N) -> (B, S, L)
  Variable masked(const Variable& logits, const Variable& encoded) const;  // (B, T, S * N), (B, T, N) -> (B, T, S, N)

  ConvTasNetConfig config_;
  Precision precision_;
  Variable encoder_, decoder_;  // (N, filter_length)
  MaskGenerator masks_;
};

}  // namespace sunder
