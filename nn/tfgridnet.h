// TF-GridNet (Wang et al., IEEE/ACM TASLP 2023), names and shapes of the parameters as in ESPnet's TFGridNetV2: from
// spectra to spectra, without STFT and normalisation.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "files/settings.h"
#include "nn/module.h"
#include "nn/precision.h"

namespace sunder {

// Sizes, in the order of the paper's D, B, I, J, H, L, E; defaults are those of the M2M paper.
struct TfGridNetConfig {
  int64_t sources = 2;
  int64_t microphones = 6;
  int64_t emb_dim = 96;       // D: channels of a time-frequency unit
  int64_t num_blocks = 4;     // B
  int64_t emb_ks = 2;         // I: kernel of the unfolding, in time-frequency units
  int64_t emb_hs = 2;         // J: its stride
  int64_t lstm_hidden = 192;  // H: units of an LSTM, each direction
  int64_t heads = 4;          // L
  int64_t qk_channels = 4;    // E: of query and key, a unit and head; ESPnet's ceil(attn_approx_qk_dim / n_freqs)
  int64_t n_freqs = 129;      // F
  double eps = 1e-5;          // of all norms
};

// All but n_freqs and eps, which have no keys.
Fields fields(TfGridNetConfig& config);

class TfGridNet {
 public:
  // With bfloat16 activations what enters and leaves products is stored in it; the rest, scores too, is float32. Throws
  // UsageError for sizes out of their range, I < J and heads that do not divide D.
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
  // In the dtype that products read, and in that of norms, sums and what runs from block to block.
  Variable to_activations(const Variable& x) const;
  Variable to_signals(const Variable& x) const;
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
