// The separator around TF-GridNet: complex spectral mapping of one or several microphones (arXiv 2402.09313).
#pragma once

#include "files/safetensors.h"
#include "nn/separator.h"
#include "nn/tfgridnet.h"
#include "tensor/ops/fcp.h"
#include "tensor/ops/fcp_weight.h"

namespace sunder {

struct TfGridNetSeparatorConfig {
  TfGridNetConfig network;  // n_freqs follows from n_fft
  StftConfig stft{256, 64, "sqrt_hann"};
  bool remove_mean = false;  // of all samples and microphones, before the division by the standard deviation
  // What the network sees: "raw" real and imaginary parts, or levels and phases "relative" to the first microphone
  // (tensor/ops/relative_spectra.h).
  std::string input = "raw";
  double input_exponent = 0.4;
  // What an output o is made of: the spectrum itself ("mapping"), or a complex "mask" on the first microphone's
  // spectrum, mask_offset + mask_gain * o.
  std::string output = "mapping";
  double mask_offset = 0.5, mask_gain = 0.1;
  // What the estimated spectra are: each speaker's "image" at the first microphone, as trained by PIT, or a "source" up
  // to a filter in every bin, as trained by M2M and UNSSOR; FCP then computes the image.
  std::string estimate = "source";
  FcpOptions fcp;  // for that image
  double fcp_xi = fcp_weight_xi;
};

// The keys of [model]. Derived keys: the estimate and the image's filter, which the method and [fcp] decide.
Fields fields(TfGridNetSeparatorConfig& config);
Fields derived_fields(TfGridNetSeparatorConfig& config);
inline bool adds_up(const TfGridNetSeparatorConfig&) { return false; }
// Sizes from the metadata, or else from the shapes of ESPnet's TFGridNetV2. Without metadata an estimate is an image,
// hop_length is n_fft / 4, and the unfold's stride is its kernel size where the linear layer's shape allows it, else 1.
// Throws ModelError.
void read_model_file(TfGridNetSeparatorConfig& config, const SafeTensors& file, const std::string& source);

class TfGridNetSeparator : public SpectralSeparator {
 public:
  static constexpr const char* architecture = "tf-gridnet";

  // Throws UsageError as TfGridNet and Stft do, and for relative inputs with mapped outputs.
  TfGridNetSeparator(const TfGridNetSeparatorConfig& config, Precision precision, Stream stream,
                     const Initialisation& initialisation);

  // mixtures: (B, M, L), or (B, L) for one microphone -> the speakers at the first microphone (B, S, L), at the level
  // of the recording.
  Variable forward(const Tensor& mixtures) const override;
  int64_t sources() const override { return config_.network.sources; }
  int64_t microphones() const override { return config_.network.microphones; }
  int64_t shortest_input() const override { return stft_.shortest_signal(); }
  std::map<std::string, std::string> metadata() const override;
  const Parameters& parameters() const override { return network_.parameters(); }

  NormalizedSpectra normalize(const Tensor& mixtures) const override;
  Variable estimates(const Tensor& spectra) const override;
  // The speakers' images at the first microphone: the estimates themselves, or filtered by FCP. (B, S, T, F)
  Variable images(const Variable& estimates, const Tensor& spectra) const;

  const TfGridNetSeparatorConfig& config() const { return config_; }
  const Stft& stft() const override { return stft_; }

 private:
  TfGridNetSeparatorConfig config_;
  Stft stft_;
  TfGridNet network_;
};

}  // namespace sunder
