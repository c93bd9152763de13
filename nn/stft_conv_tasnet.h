// The STFT Conv-TasNet of "Unsupervised Source Separation via Self-Supervised Training": masks of STFT magnitudes that
// sum to one, and the mixture's phase. Features and masks may be those of Asteroid's ConvTasNet on an STFT filterbank
// instead.
#pragma once

#include "files/safetensors.h"
#include "nn/mask_generator.h"
#include "nn/precision.h"
#include "nn/separator.h"

namespace sunder {

// Sizes of the STFT Conv-TasNet of the MixCycle paper; defaults are the paper's.
struct StftConvTasNetConfig {
  int64_t sources = 2;
  int64_t n_fft = 512, hop_length = 128;  // samples
  int64_t num_feats = 128;                // channels between blocks
  int64_t num_hidden = 512;               // channels inside a block
  int64_t kernel_size = 3;                // frames
  int64_t num_layers = 4;                 // blocks per stack, dilations 1, 2, 4, ...
  int64_t num_stacks = 3;
  std::string window = "hann", window_scale = "none", stft_padding = "reflect";  // nn/stft.h
  bool remove_mean = false;  // from each mixture before its STFT; the estimates then have none
  // What the network sees of a bin: its "magnitude", or "real_imag": the real parts of all bins, then their imaginary
  // parts, the first and the last bin divided by sqrt(2) (the coefficients of orthonormal cosines and sines).
  std::string features = "magnitude";
  // Masks of the features: "shares" that add up to one (tensor/ops/soft_mask.h), or each output's own "sigmoid" or
  // "relu". With real_imag there is one for the real and one for the imaginary part.
  std::string masks = "shares";
  bool mixture_consistency = false;  // nn/mixture_consistency.h
};

// The keys of [model] and of a model file.
Fields fields(StftConvTasNetConfig& config);
inline Fields derived_fields(StftConvTasNetConfig&) { return {}; }
inline bool adds_up(const StftConvTasNetConfig& config) {
  return config.masks == "shares" || config.mixture_consistency;
}
// Sizes from the metadata, or else from the shapes (nn/mask_generator.h), with stacks of four blocks. Throws
// ModelError.
void read_model_file(StftConvTasNetConfig& config, const SafeTensors& file, const std::string& source);

class StftConvTasNet : public Separator {
 public:
  static constexpr const char* architecture = "stft-conv-tasnet";

  // Throws UsageError for sizes out of range, an even kernel size, a hop longer than the frame and shares of real and
  // imaginary parts.
  StftConvTasNet(const StftConvTasNetConfig& config, Precision precision, Stream stream,
                 const Initialisation& initialisation);

  Variable forward(const Tensor& mixture) const override;
  int64_t sources() const override { return config_.sources; }
  int64_t shortest_input() const override { return config_.n_fft / 2 + 1; }
  std::map<std::string, std::string> metadata() const override;

  // features: (B, T, F), or (B, T, 2 F) for real_imag -> mask before its activation: (B, T, S * F) or (B, T, S * 2 F),
  // channel s * F + f; both in the activations' dtype.
  Variable mask_logits(const Variable& features) const { return masks_.logits(features, parameters_, precision_); }
  const StftConvTasNetConfig& config() const { return config_; }

 private:
  // Features of real_imag per bin: 2, else 1.
  int64_t parts() const { return config_.features == "real_imag" ? 2 : 1; }
  Tensor features(const Tensor& spectrum) const;
  Variable masked(const Variable& logits, const Tensor& spectrum) const;

  StftConvTasNetConfig config_;
  Precision precision_;
  Stft stft_;
  Tensor part_weights_;  // (2 F) of real_imag
  MaskGenerator masks_;
};

}  // namespace sunder
