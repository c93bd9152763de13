// TF-GridNet (Wang et al., IEEE/ACM TASLP 2023), names and shapes of the parameters as in ESPnet's TFGridNetV2: from
// spectra to spectra, without STFT and normalisation.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "nn/module.h"
#include "nn/precision.h"

namespace sunder {

// Sizes, in the order of the paper's D, B, I, J, H, L, E; defaults are those of the M2M paper.
struct TfGridNetConfig {
  int64_t sources = 2;
  int64_t microphones = 6;
  int64_t emb_dim = 96;              // D: channels of a time-frequency unit
  int64_t blocks = 4;                // B
  int64_t emb_ks = 2;                // I: neighbours side by side in an LSTM's input
  int64_t emb_hs = 2;                // J: how far the next ones lie away
  int64_t hidden = 192;              // H: units of an LSTM, each direction
  int64_t heads = 4;                 // L
  int64_t attn_approx_qk_dim = 512;  // sizes of query and key are this, rounded up to n_freqs
  int64_t n_freqs = 129;             // F
  double eps = 1e-5;                 // of all norms

  // E: channels of query and key of a unit and head.
  int64_t qk_channels() const { return (attn_approx_qk_dim + n_freqs - 1) / n_freqs; }
};

class TfGridNet {
 public:
  // With bfloat16 activations what enters and leaves products is stored in it; the rest, scores too, is float32. Throws
  // UsageError for sizes below 1, I < J and heads that do not divide D.
  TfGridNet(const TfGridNetConfig& config, Precision precision, Stream stream, uint64_t seed);

  // features: (B, T, F, 2M), the real parts of all microphones, then the imaginary ones -> (B, T, F, 2S), channel 2s
  // the real and 2s + 1 the imaginary part of output s. Throws Error for another number of bins or channels.
  Variable forward(const Variable& features) const;

  const TfGridNetConfig& config() const { return config_; }
  const Parameters& parameters() const { return parameters_; }

 private:
  // One of a block's two recurrent parts.
  struct Path {
    Variable gain, bias;                              // of the norm
    Variable weight_ih, weight_hh, bias_ih, bias_hh;  // of the LSTM, both directions
    Variable linear_weight, linear_bias;              // I = J: (I D, 2H); else of a transposed convolution (2H, D I)
  };
  struct Head {
    Variable weight, bias, slope, gain, shift;
  };
  struct Block {
    Path intra, inter;
    Head query, key, value, output;
  };

  void declare_path(Path& path, const std::string& prefix);
  void declare_head(Head& head, const std::string& linear, const std::string& slope, const std::string& norm,
                    int64_t heads, int64_t channels);
  // As products read it; as norms, sums and what runs from block to block are stored.
  Variable narrow(const Variable& x) const;
  Variable wide(const Variable& x) const;
  // matrices: the parameters as products read them, like parameters_.values().
  Variable run_path(const Variable& x, const Path& path, bool along_time, const Tensor& matrices) const;
  Variable project(const Variable& x, const Head& head, const Tensor& matrices) const;
  Variable attention(const Variable& x, const Block& block, const Tensor& matrices) const;

  TfGridNetConfig config_;
  Precision precision_;
  Parameters parameters_;
  Variable conv_weight_, conv_bias_, conv_gain_, conv_shift_;
  std::vector<Block> blocks_;
  Variable deconv_weight_, deconv_bias_;
};

}  // namespace sunder
