// A network of any architecture, from the mixture's waveform to the estimates' waveforms.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "nn/module.h"
#include "nn/stft.h"

namespace sunder {

class SpectralSeparator;

class Separator {
 public:
  virtual ~Separator() = default;
  // mixture: (B, L), or (B, M, L) for several microphones -> estimates (B, S, L), in the parameters' dtype, on their
  // device.
  virtual Variable forward(const Tensor& mixture) const = 0;
  virtual int64_t sources() const = 0;
  virtual int64_t microphones() const { return 1; }
  virtual int64_t shortest_input() const = 0;  // samples
  // A model file's metadata on the network: "architecture" and its sizes.
  virtual std::map<std::string, std::string> metadata() const = 0;

  virtual const Parameters& parameters() const { return parameters_; }
  // This object if it is a SpectralSeparator, else null.
  virtual const SpectralSeparator* spectral() const { return nullptr; }

 protected:
  Parameters parameters_;
};

// A separator by complex spectral mapping, for losses between spectra.
class SpectralSeparator : public Separator {
 public:
  // `spectra`: (B, M, T, F), the STFT of recordings, each (less its mean, where the network's configuration says so)
  // divided by its standard deviation over all samples and microphones; the input of estimates(). `scale`: (B, 1, 1),
  // these standard deviations.
  struct NormalizedSpectra {
    Tensor spectra, scale;
  };
  // mixtures: (B, M, L), or (B, L) for one microphone.
  virtual NormalizedSpectra normalize(const Tensor& mixtures) const = 0;
  // spectra: from normalize() -> (B, S, T, F) complex.
  virtual Variable estimates(const Tensor& spectra) const = 0;
  virtual const Stft& stft() const = 0;

  const SpectralSeparator* spectral() const override { return this; }
};

}  // namespace sunder
