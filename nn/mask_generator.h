// The network that turns features into masks in every Conv-TasNet (Luo and Mesgarani, 2019), with the names and shapes
// of torchaudio's MaskGenerator: a norm, a 1x1 convolution, stacks of dilated blocks, PReLU and a 1x1 convolution.
#pragma once

#include <string>
#include <vector>

#include "files/safetensors.h"
#include "files/settings.h"
#include "nn/module.h"
#include "nn/precision.h"

namespace sunder {

struct MaskGeneratorSizes {
  int64_t inputs, outputs;  // channels of the features, and of all masks together
  int64_t num_feats;        // channels between blocks
  int64_t num_hidden;       // channels inside a block
  int64_t kernel_size;      // frames, odd
  int64_t num_layers;       // blocks per stack, dilations 1, 2, 4, ...
  int64_t num_stacks;
};

// The keys num_feats ... num_stacks of any configuration that has such members.
template <class Config>
Fields block_fields(Config& c) {
  return {number("num_feats", &c.num_feats, 1, 1 << 20, "channels of the bottleneck and skip paths"),
          number("num_hidden", &c.num_hidden, 1, 1 << 20, "channels inside a block"),
          number("kernel_size", &c.kernel_size, 1, 1023, "kernel size of the depthwise convolutions in frames, odd"),
          number("num_layers", &c.num_layers, 1, 30, "blocks per stack; the dilation doubles with each block"),
          number("num_stacks", &c.num_stacks, 1, 1000, "number of stacks")};
}

// The sizes that a state dict shows. It does not show the number of stacks (dilations have no parameters): that comes
// from the metadata, or else `usual_layers` to a stack are assumed where they divide the blocks. `network`: "an
// stft-conv-tasnet", for messages. Throws ModelError.
MaskGeneratorSizes read_mask_generator(const SafeTensors& file, const std::string& source, const std::string& network,
                                       int64_t usual_layers);

class MaskGenerator {
 public:
  // Declares its parameters. Throws UsageError, which begins with `architecture`, for an even kernel size.
  void declare(const MaskGeneratorSizes& sizes, const std::string& architecture, Parameters& parameters);

  // features: (B, T, inputs) -> (B, T, outputs), masks before their activation, both in the activations' dtype.
  Variable logits(const Variable& features, const Parameters& parameters, const Precision& precision) const;

 private:
  struct Block {
    int64_t dilation;
    Variable in_weight, in_bias, in_slope, in_gain, in_shift;
    Variable conv_weight, conv_bias, conv_slope, conv_gain, conv_shift;
    Variable out_weight, out_bias;  // rows of res_out, then of skip_out; the last block has only skip_out
  };

  static void declare_block(Block& block, const MaskGeneratorSizes& sizes, const std::string& prefix, bool residual,
                            Parameters& parameters);

  Variable input_gain_, input_shift_, input_weight_, input_bias_;
  std::vector<Block> blocks_;
  Variable output_slope_, output_weight_, output_bias_;
};

}  // namespace sunder
