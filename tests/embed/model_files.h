// Small untrained models for tests of the C API.
#pragma once

#include <string>

#include "nn/stft_conv_tasnet.h"
#include "nn/tfgridnet_separator.h"

namespace sunder {

// Writes a network of one microphone and two sources, whose masks add up to one.
inline std::string write_conv_tasnet(const std::filesystem::path& folder, int sample_rate = 8000) {
  const StftConvTasNetConfig config{
      .n_fft = 64, .hop_length = 16, .num_feats = 8, .num_hidden = 8, .num_layers = 2, .num_stacks = 1};
  const StftConvTasNet network(config, DType::float32, cpu_device, 7);
  auto metadata = network.metadata();
  metadata["sample_rate"] = std::to_string(sample_rate);
  const std::string path = folder / "conv_tasnet.safetensors";
  write_safetensors(path, network.parameters().state_dict(), metadata);
  return path;
}

// One of three microphones and two sources.
inline std::string write_tf_gridnet(const std::filesystem::path& folder) {
  TfGridNetSeparatorConfig config;
  config.network.microphones = 3;
  config.network.emb_dim = 4;
  config.network.num_blocks = 1;
  config.network.lstm_hidden = 4;
  config.network.qk_channels = 1;
  config.network.heads = 2;
  config.stft = {64, 32, "sqrt_hann"};
  config.estimate = "image";
  const TfGridNetSeparator network(config, DType::float32, cpu_device, 7);
  auto metadata = network.metadata();
  metadata["sample_rate"] = "8000";
  const std::string path = folder / "tf_gridnet.safetensors";
  write_safetensors(path, network.parameters().state_dict(), metadata);
  return path;
}

}  // namespace sunder
