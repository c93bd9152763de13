// Small networks, signals and folders for tests of whole programs.
#pragma once

#include "files/safetensors.h"
#include "nn/stft_conv_tasnet.h"
#include "tensor/random.h"
#include "tests/cuda_device.h"
#include "tests/files/scratch_folder.h"
#include "tests/programs/program.h"

namespace sunder {

class ProgramTest : public ScratchFolder {
 protected:
  void SetUp() override {
    SUNDER_NEEDS_DEVICE_OF_ENVIRONMENT();
    ScratchFolder::SetUp();
  }
  std::string at(const std::string& name) const { return (folder_ / name).string(); }
  bool exists(const std::string& name) const { return std::filesystem::exists(folder_ / name); }

  // A network with random weights. Its masks add up to one, so that its estimates add up to the mixture.
  std::string write_model(const std::string& name, int64_t sources = 2, int sample_rate = 8000) const {
    const StftConvTasNetConfig config{.sources = sources,
                                  .n_fft = 256,
                                  .hop_length = 64,
                                  .num_feats = 8,
                                  .num_hidden = 16,
                                  .num_layers = 2,
                                  .num_stacks = 1};
    const auto network = std::make_unique<StftConvTasNet>(config, DType::float32, cpu_device, 7);
    auto metadata = network->metadata();
    metadata["sample_rate"] = std::to_string(sample_rate);
    std::filesystem::create_directories((folder_ / name).parent_path());
    write_safetensors(folder_ / name, network->parameters().state_dict(), metadata);
    return at(name);
  }

  static std::vector<float> noise(int64_t samples, uint64_t seed, float level = 0.3f) {
    uint64_t state = seed * 2862933555777941757u + 3037000493u;
    std::vector<float> signal(samples);
    for (float& sample : signal) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      sample = level * (static_cast<float>(state >> 40) / static_cast<float>(1 << 23) - 1);
    }
    return signal;
  }

  std::vector<float> write_noise(const std::string& name, int64_t samples, uint64_t seed, int rate = 8000) const {
    const std::vector<float> signal = noise(samples, seed);
    std::filesystem::create_directories((folder_ / name).parent_path());
    write_wav(folder_ / name, signal, rate);
    return signal;
  }

  Audio audio(const std::string& name) const { return read_audio(folder_ / name); }

  static void expect_contains(const std::string& text, const std::vector<std::string>& parts) {
    for (const std::string& part : parts) EXPECT_NE(text.find(part), std::string::npos) << part << " not in: " << text;
  }
};

}  // namespace sunder
