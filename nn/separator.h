// A network from waveform to waveforms, whatever is inside.
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
  // mixture: (B, L), of several microphones (B, M, L) -> estimates (B, S, L), of the parameters' dtype and device.
  virtual Variable forward(const Tensor& mixture) const = 0;
  virtual int64_t sources() const = 0;
  virtual int64_t microphones() const { return 1; }
  virtual int64_t shortest_input() const = 0;  // samples
  // What a model file says of the network: "architecture" and its sizes.
  virtual std::map<std::string, std::string> metadata() const = 0;

  virtual const Parameters& parameters() const { return parameters_; }
  // Itself where its network maps spectra to spectra, else null.
  virtual const SpectralSeparator* spectral() const { return nullptr; }

 protected:
  Parameters parameters_;
};

// A separator by complex spectral mapping, for losses between spectra.
class SpectralSeparator : public Separator {
 public:
  // The spectra (B, M, T, F) of recordings divided by one standard deviation each, over all samples and microphones,
  // which is what estimates() takes; `scale`: (B, 1, 1), those deviations.
  struct NormalizedSpectra {
    Tensor spectra, scale;
  };
  // mixtures: (B, M, L), of one microphone also (B, L).
  virtual NormalizedSpectra normalize(const Tensor& mixtures) const = 0;
  // spectra: of normalize() -> (B, S, T, F) complex.
  virtual Variable estimates(const Tensor& spectra) const = 0;
  virtual const Stft& stft() const = 0;

  const SpectralSeparator* spectral() const override { return this; }
};

}  // namespace sunder
