// TF-GridNet (Wang et al., IEEE/ACM TASLP 2023), with the parameter names and shapes of ESPnet's TFGridNetV2: from
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
  int64_t emb_dim = 96;       // D: channels per time-frequency unit
  int64_t num_blocks = 4;     // B
  int64_t emb_ks = 2;         // I: kernel size of the unfold, in time-frequency units
  int64_t emb_hs = 2;         // J: its stride
  int64_t lstm_hidden = 192;  // H: LSTM units per direction
  int64_t heads = 4;          // L
  int64_t qk_channels = 4;  // E: query and key channels per unit and head; ESPnet's ceil(attn_approx_qk_dim / n_freqs)
  int64_t n_freqs = 129;    // F
  double eps = 1e-5;        // of all norms
  // Where zeros are added before the unfold if I > J: I - J on "both" sides and what the stride needs (TFGridNetV2), or
  // only "behind", what the stride needs (ESPnet's first TFGridNet).
  std::string unfold_padding = "both";
};

// All but n_freqs and eps, which have no keys.
Fields fields(TfGridNetConfig& config);

class TfGridNet {
 public:
  // With bfloat16 activations, the inputs and outputs of products are bfloat16; the rest, attention scores included, is
  // float32. Throws UsageError for sizes out of range, I < J and heads that do not divide D.
  TfGridNet(const TfGridNetConfig& config, Precision precision, Stream stream, const Initialisation& initialisation);

  // features: (B, T, F, 2M), the real parts of all microphones, then the imaginary parts -> (B, T, F, 2S), channel 2s
  // the real and 2s + 1 the imaginary part of output s. Throws Error for another number of bins or channels.
  Variable forward(const Variable& features) const;

  const TfGridNetConfig& config() const { return config_; }
  const Parameters& parameters() const { return parameters_; }

 private:
  // One of a block's two recurrent paths: along frequency (intra) or time (inter).
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
  // Casts to the dtype of products, and to that of norms, sums and the residual path.
  Variable to_activations(const Variable& x) const;
  Variable to_signals(const Variable& x) const;
  // matrices: parameters_.values() in the dtype of products.
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
