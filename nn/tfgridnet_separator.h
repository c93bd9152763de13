// Separators of far-field recordings: TF-GridNet on the spectra of several microphones (arXiv 2402.09313).
#pragma once

#include "nn/separator.h"
#include "nn/stft.h"
#include "nn/tfgridnet.h"
#include "tensor/ops/fcp.h"

namespace sunder {

// What an estimate's spectrum is to the recording.
enum class FarFieldOutput {
  image,   // the speaker at the first microphone, as PIT trains it
  source,  // known up to a filter at every frequency, as M2M and UNSSOR train it: the image is found by FCP
};

struct FarFieldConfig {
  TfGridNetConfig network;  // n_freqs follows from n_fft
  StftConfig stft{256, 64, "sqrt_hann"};
  FarFieldOutput output = FarFieldOutput::source;
  FcpOptions fcp;        // of the image at the first microphone
  double fcp_xi = 1e-4;  // of its weights (tensor/ops/fcp_weight.h)
};

class FarFieldSeparator : public Separator {
 public:
  // Throws UsageError as TfGridNet and Stft do.
  FarFieldSeparator(const FarFieldConfig& config, Precision precision, Stream stream, uint64_t seed);

  // mixtures: (B, M, L), of one microphone also (B, L) -> the speakers at the first microphone (B, S, L), at the level
  // of the recording.
  Variable forward(const Tensor& mixtures) const override;
  int64_t sources() const override { return config_.network.sources; }
  int64_t microphones() const override { return config_.network.microphones; }
  int64_t shortest_input() const override { return stft_.shortest_signal(); }
  std::map<std::string, std::string> metadata() const override;
  const Parameters& parameters() const override { return network_.parameters(); }

  // The spectra (B, M, T, F) of recordings divided by one deviation each, over all samples and microphones, which is
  // what estimates() wants; `scale`: (B, 1, 1), those deviations.
  struct Heard {
    Tensor spectra, scale;
  };
  Heard hear(const Tensor& mixtures) const;
  // spectra: of hear() -> (B, S, T, F) complex.
  Variable estimates(const Tensor& spectra) const;
  // The speakers' images at the first microphone: the estimates themselves, or filtered by FCP. (B, S, T, F)
  Variable images(const Variable& estimates, const Tensor& spectra) const;

  // (1) int64 on the network's stream, for training steps to count the filters that could not be found
  // (tensor/ops/fcp.h).
  const Tensor& failures() const { return failures_; }

  const FarFieldConfig& config() const { return config_; }
  const Stft& stft() const { return stft_; }

 private:
  FarFieldConfig config_;
  Stft stft_;
  TfGridNet network_;
  Tensor failures_;
};

}  // namespace sunder
