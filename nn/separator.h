// A network from waveform to waveforms, whatever is inside.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "nn/module.h"

namespace sunder {

// Sizes of the STFT Conv-TasNet of the MixCycle paper; defaults are the paper's.
struct ConvTasNetConfig {
  int64_t sources = 2;
  int64_t n_fft = 512, hop_length = 128;  // samples; periodic Hann window
  int64_t num_feats = 128;                // channels between blocks
  int64_t num_hidden = 512;               // channels inside a block
  int64_t kernel_size = 3;                // frames
  int64_t num_layers = 4;                 // blocks a stack, dilations 1, 2, 4, ...
  int64_t num_stacks = 3;
};

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

 protected:
  Parameters parameters_;
};

}  // namespace sunder
