// The STFT Conv-TasNet of "Unsupervised Source Separation via Self-Supervised Training": torchaudio's MaskGenerator on
// STFT magnitudes, masks that add up to one, the mixture's phase.
#pragma once

#include "nn/precision.h"
#include "nn/separator.h"
#include "nn/stft.h"

namespace sunder {

class StftConvTasNet : public Separator {
 public:
  // Throws UsageError for sizes below 1, an even kernel or a hop longer than the frame.
  StftConvTasNet(const ConvTasNetConfig& config, Precision precision, Stream stream, uint64_t seed);

  Variable forward(const Tensor& mixture) const override;
  int64_t sources() const override { return config_.sources; }
  int64_t shortest_input() const override { return config_.n_fft / 2 + 1; }
  std::map<std::string, std::string> metadata() const override;

  // magnitude: (B, T, F) -> mask before the sigmoid: (B, T, S * F), channel s * F + f; both of the activations' dtype.
  Variable mask_logits(const Variable& magnitude) const;
  const ConvTasNetConfig& config() const { return config_; }

 private:
  struct Block {
    int64_t dilation;
    Variable in_weight, in_bias, in_slope, in_gain, in_shift;
    Variable conv_weight, conv_bias, conv_slope, conv_gain, conv_shift;
    Variable out_weight, out_bias;  // rows of res_out, then of skip_out; the last block has skip_out alone
  };

  void declare_block(Block& block, const std::string& prefix, bool residual);

  ConvTasNetConfig config_;
  Precision precision_;
  Stft stft_;
  Variable input_gain_, input_shift_, input_weight_, input_bias_;
  std::vector<Block> blocks_;
  Variable output_slope_, output_weight_, output_bias_;
};

}  // namespace sunder
