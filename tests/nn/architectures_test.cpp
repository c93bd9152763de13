#include "nn/architectures.h"

#include <cmath>
#include <ctime>

#include "nn/stft_conv_tasnet.h"
#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

using Metadata = std::map<std::string, std::string>;

// Model files that are well-formed and wrong.
class ModelFileTest : public ScratchFolder {
 protected:
  void SetUp() override {
    ScratchFolder::SetUp();
    const StftConvTasNetConfig config{
        .n_fft = 32, .hop_length = 8, .num_feats = 4, .num_hidden = 4, .num_layers = 2, .num_stacks = 1};
    const StftConvTasNet network(config, DType::float32, cpu_device, 7);
    for (const auto& [name, tensor] : network.parameters().state_dict()) tensors_[name] = tensor.clone();
    metadata_ = network.metadata();
    metadata_["sample_rate"] = "8000";
  }
  std::string save() const {
    write_safetensors(folder_ / "model.safetensors", tensors_, metadata_);
    return (folder_ / "model.safetensors").string();
  }
  LoadedModel load(const Metadata& given = {}) const {
    return load_separator(save(), "", parse_precision("fp32", cpu_device), cpu_device, given);
  }

  std::map<std::string, Tensor> tensors_;
  Metadata metadata_;
};

TEST_F(ModelFileTest, BadMetadataIsAFaultOfTheFile) {
  EXPECT_EQ(load().sample_rate, 8000);
  const std::string path = save();
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"hop_length", "0", "hop_length in the metadata: expected a whole number from 1 to 65536, got '0'"},
      {"hop_length", "24", "hop_length: expected a hop that allows reconstruction, got 24"},
      {"hop_length", "64", "n_fft: expected at least the hop length 64, got 32"},
      {"hop_length", "8.5", "hop_length in the metadata: expected a whole number"},
      {"kernel_size", "4", "kernel_size"},
      {"num_stacks", "99999", "num_stacks in the metadata"},
      {"sources", "0", "sources in the metadata"},
      {"sample_rate", "999", "sample_rate in the metadata: expected a whole number from 1000 to 768000, got '999'"},
      {"sample_rate", "1000000000", "sample_rate in the metadata"},
      {"architecture", "wavenet",
       "expected an architecture of stft-conv-tasnet, conv-tasnet, tf-gridnet, found 'wavenet'"},
  };
  const Metadata good = metadata_;
  for (const auto& [key, value, message] : cases) {
    metadata_ = good;
    metadata_[key] = value;
    expect_error<ModelError>([&] { load(); }, {path + ": ", message});
  }
}

// Sizes that the shapes contradict are refused before memory is taken for them: these would be terabytes.
TEST_F(ModelFileTest, LargeSizesInTheMetadataTakeNoMemory) {
  metadata_["num_feats"] = metadata_["num_hidden"] = "1048576";
  expect_error<ModelError>([&] { load(); }, {"expected mask_generator.", " of shape (1048576", ", found float32"});
}

// A whole network of 20,000 tensors, with their names, shapes and first values. A fiftieth of the bound on an idle
// machine.
TEST_F(ModelFileTest, TwentyThousandTensorsLoadAtOnce) {
  const StftConvTasNetConfig config{
      .n_fft = 2, .hop_length = 1, .num_feats = 1, .num_hidden = 1, .num_layers = 2, .num_stacks = 715};
  const StftConvTasNet network(config, DType::float32, cpu_device, 7);
  tensors_ = network.parameters().state_dict();
  metadata_ = network.metadata();
  EXPECT_GT(tensors_.size(), 20'000u);
  const std::clock_t begin = std::clock();
  EXPECT_EQ(load().separator->parameters().state_dict().size(), tensors_.size());
  EXPECT_LT(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC, 10);
}

// Real and imaginary parts are twice as many inputs, which the shapes do not tell from magnitudes.
TEST_F(ModelFileTest, FeaturesAndMasksAreInTheFile) {
  StftConvTasNetConfig config{
      .n_fft = 32, .hop_length = 8, .num_feats = 4, .num_hidden = 4, .num_layers = 2, .num_stacks = 1};
  config.features = "real_imag";
  config.masks = "sigmoid";
  config.window = "hamming";
  config.window_scale = "parseval";
  config.stft_padding = "zeros";
  config.remove_mean = true;
  const StftConvTasNet network(config, DType::float32, cpu_device, 7);
  tensors_ = network.parameters().state_dict();
  metadata_ = network.metadata();
  const LoadedModel model = load();
  EXPECT_EQ(model.separator->metadata(), network.metadata());
  EXPECT_EQ(model.separator->sources(), 2);
  const Tensor mixture = Tensor::full({1, 100}, 0.5, DType::float32);
  mixture.mutable_data<float>()[50] = -1;
  EXPECT_EQ(model.separator->forward(mixture).value().to_vector<float>(),
            network.forward(mixture).value().to_vector<float>());
}

TEST_F(ModelFileTest, BadValuesThatAreGivenAreTheCallersFault) {
  metadata_.erase("hop_length");
  metadata_.erase("sample_rate");
  EXPECT_EQ(load({{"hop_length", "16"}, {"sample_rate", "48000"}}).sample_rate, 48000);
  for (const auto& [given, message] : std::vector<std::pair<Metadata, std::string>>{
           {{{"hop_length", "0"}}, "hop_length: expected a whole number from 1 to 65536, got '0'"},
           {{{"hop_length", "24"}}, "hop_length: expected a hop that allows reconstruction, got 24"},
           {{{"sample_rate", "1"}}, "sample_rate: expected a whole number from 1000 to 768000, got '1'"},
           {{{"window", "kaiser"}}, "window: expected one of"}})
    expect_error<UsageError>([&] { load(given); }, {message});
}

TEST_F(ModelFileTest, NumbersThatAreNotFiniteAreNamed) {
  const std::string name = "mask_generator.input_conv.bias", path = save();
  for (const double value :
       std::initializer_list<double>{NAN, INFINITY, -INFINITY, 1e300}) {  // the last is infinite in float32
    tensors_[name] = Tensor::from(std::vector<double>{0, 0, value, 0}, {4});
    expect_error<ModelError>([&] { load(); }, {path + ": expected finite numbers in the tensor " + name, " at 2"});
  }
}

}  // namespace
}  // namespace sunder
