#include "nn/tfgridnet_separator.h"

#include <gtest/gtest.h>

#include <cmath>

#include "files/safetensors.h"
#include "nn/architectures.h"
#include "tensor/error.h"
#include "tensor/ops/binary.h"
#include "tensor/random.h"
#include "tests/files/scratch_folder.h"

namespace sunder {
namespace {

double max_abs(const Tensor& x) {
  double largest = 0;
  const Tensor parts = is_complex(x.dtype()) ? x.as_real() : x;
  for (const double value : parts.to_vector<double>()) largest = std::max(largest, std::abs(value));
  return largest;
}
double max_difference(const Tensor& a, const Tensor& b) { return max_abs(subtract(a, b)); }

TfGridNetSeparatorConfig small_config(int64_t microphones, const std::string& output) {
  TfGridNetSeparatorConfig config;
  config.network = {
      .microphones = microphones, .emb_dim = 8, .num_blocks = 1, .lstm_hidden = 6, .heads = 2, .qk_channels = 2};
  config.stft = {32, 8, "sqrt_hann"};
  config.estimate = output;
  config.fcp = {.past = 3, .future = 1};
  return config;
}

Tensor random_signal(Shape shape, uint64_t which) {
  const Tensor signal = Tensor::empty(std::move(shape), DType::float64);
  Random random(which, RandomUse::test);
  for (int64_t i = 0; i < signal.numel(); ++i) signal.mutable_data<double>()[i] = random.normal();
  return signal;
}

TfGridNetSeparator separator(int64_t microphones, const std::string& output) {
  return TfGridNetSeparator(small_config(microphones, output), DType::float64, cpu_device, 3);
}

Tensor scaled(const Tensor& x, double factor) { return multiply(x, Tensor::full({1}, factor, x.dtype())); }

// A recording ten times as loud has estimates ten times as loud: the network never sees levels.
TEST(FarField, EstimatesHaveTheRecordingsLevel) {
  for (const char* output : {"image", "source"}) {
    const TfGridNetSeparator network = separator(3, output);
    const Tensor mixtures = random_signal({2, 3, 400}, 1);
    const Tensor estimates = network.forward(mixtures).value();
    ASSERT_EQ(estimates.shape(), (Shape{2, 2, 400}));
    EXPECT_GT(max_abs(estimates), 1e-3);
    EXPECT_LT(max_difference(network.forward(scaled(mixtures, 10)).value(), scaled(estimates, 10)),
              1e-9 * max_abs(estimates));
    // Items of a batch do not see each other.
    EXPECT_LT(max_difference(network.forward(mixtures.slice(1, 2)).value(), estimates.slice(1, 2)),
              1e-12 * max_abs(estimates));
  }
}

// Filtering takes away whatever gain the network gave a speaker at a frequency; loading is the only trace.
TEST(FarField, ImagesOfSourcesDoNotDependOnTheirGain) {
  TfGridNetSeparatorConfig config = small_config(3, "source");
  config.fcp.loading = 0;
  const TfGridNetSeparator network(config, DType::float64, cpu_device, 3);
  const auto mixed = network.normalize(random_signal({1, 3, 400}, 2));
  const Tensor found = network.estimates(mixed.spectra).value();
  const Tensor gains = random_signal({1, 2, 1, found.size(3), 2}, 5).as_complex();
  const Tensor images = network.images(Variable(found), mixed.spectra).value();
  EXPECT_LT(max_difference(network.images(Variable(multiply(found, gains)), mixed.spectra).value(), images),
            1e-8 * max_abs(images));
  EXPECT_GT(max_difference(found, images), 1e-3 * max_abs(images)) << "an image is not the estimate itself";
}

TEST(FarField, OneMicrophoneNeedsNoAxis) {
  const TfGridNetSeparator network = separator(1, "source");
  const Tensor mixtures = random_signal({2, 300}, 4);
  EXPECT_EQ(max_difference(network.forward(mixtures).value(), network.forward(mixtures.reshape({2, 1, 300})).value()),
            0);
}

TEST(FarField, SilenceStaysSilent) {
  const TfGridNetSeparator network = separator(2, "source");
  const Tensor estimates = network.forward(Tensor::zeros({1, 2, 200}, DType::float64)).value();
  EXPECT_EQ(max_abs(estimates), 0);
}

TEST(FarField, WrongMicrophonesAreRefused) {
  const TfGridNetSeparator network = separator(3, "image");
  EXPECT_THROW(network.forward(random_signal({1, 2, 300}, 1)), Error);
  EXPECT_THROW(network.forward(random_signal({1, 300}, 1)), Error);
}

// With masks, an output of zeros is half the first microphone; every level is relative to the recording's.
TEST(FarField, MasksStartAtAShareOfTheFirstMicrophone) {
  TfGridNetSeparatorConfig config = small_config(3, "image");
  config.input = "relative";
  config.output = "mask";
  config.mask_gain = 1e-6;
  const TfGridNetSeparator network(config, DType::float64, cpu_device, 3);
  const Tensor mixtures = random_signal({2, 3, 400}, 1);
  const Tensor estimates = network.forward(mixtures).value();
  for (int64_t b = 0; b < 2; ++b) {
    const Tensor first = scaled(mixtures.slice(b, b + 1).reshape({3, 400}).slice(0, 1), 0.5);
    for (int64_t s = 0; s < 2; ++s) {
      const Tensor estimate = estimates.slice(b, b + 1).reshape({2, 400}).slice(s, s + 1);
      EXPECT_LT(max_difference(estimate, first), 1e-4);
      EXPECT_GT(max_difference(estimate, first), 0);
    }
  }
}

// A common phase of all microphones in a bin is invisible to a relative input, and a mask passes it on.
TEST(FarField, RelativeInputsAndMasksFollowACommonPhase) {
  TfGridNetSeparatorConfig config = small_config(3, "image");
  config.input = "relative";
  config.output = "mask";
  const TfGridNetSeparator network(config, DType::float64, cpu_device, 3);
  const Tensor spectra = network.normalize(random_signal({1, 3, 400}, 1)).spectra;
  const Tensor phases = Tensor::empty({1, 1, spectra.size(2), spectra.size(3)}, DType::complex128);
  for (int64_t i = 0; i < phases.numel(); ++i)
    phases.mutable_data<complex128>()[i] = std::polar(1.0, 0.7 * static_cast<double>(i));
  const Tensor estimates = network.estimates(spectra).value();
  EXPECT_LT(max_difference(network.estimates(multiply(spectra, phases)).value(), multiply(estimates, phases)),
            1e-9 * max_abs(estimates));
}

// The network does not see the first microphone's phase, so that only a mask can have it.
TEST(FarField, RelativeInputsNeedMasks) {
  TfGridNetSeparatorConfig config = small_config(3, "image");
  config.input = "relative";
  expect_error<UsageError>([&] { TfGridNetSeparator(config, DType::float64, cpu_device, 3); },
                           {"tf-gridnet: output: expected mask for relative inputs", "got mapping"});
}

class FarFieldFile : public ScratchFolder {};

TEST_F(FarFieldFile, AModelFileHoldsEverything) {
  TfGridNetSeparatorConfig config = small_config(2, "source");
  config.network.emb_ks = 4;
  config.network.emb_hs = 2;
  config.fcp = {.past = 2, .future = 3, .loading = 1e-4};
  config.fcp_xi = 1e-3;
  config.input = "relative";
  config.input_exponent = 0.3;
  config.output = "mask";
  config.mask_gain = 0.2;
  config.network.unfold_padding = "behind";
  config.stft.window_scale = "sum";
  config.stft.padding = "zeros";
  config.remove_mean = true;
  const TfGridNetSeparator network(config, DType::float64, cpu_device, 3);
  const std::string path = (folder_ / "model.safetensors").string();
  write_safetensors(path, network.parameters().state_dict(), network.metadata());
  const LoadedModel model = load_separator(path, "", DType::float64, cpu_device);
  EXPECT_EQ(model.separator->metadata(), network.metadata());
  const Tensor mixtures = random_signal({1, 2, 300}, 6);
  EXPECT_EQ(max_difference(model.separator->forward(mixtures).value(), network.forward(mixtures).value()), 0);
}

// Files from before there were masks say under "output" what is "estimate" now.
TEST_F(FarFieldFile, OlderFilesNameTheEstimateOutput) {
  for (const char* estimate : {"image", "source"}) {
    const TfGridNetSeparator network(small_config(2, estimate), DType::float64, cpu_device, 3);
    std::map<std::string, std::string> metadata = network.metadata();
    for (const char* key : {"input", "input_exponent", "mask_offset", "mask_gain", "estimate"}) metadata.erase(key);
    metadata["output"] = estimate;
    const std::string path = (folder_ / "model.safetensors").string();
    write_safetensors(path, network.parameters().state_dict(), metadata);
    EXPECT_EQ(load_separator(path, "", DType::float64, cpu_device).separator->metadata(), network.metadata());
  }
}

// A state dict from elsewhere says what its shapes show; the rest is the paper's.
TEST_F(FarFieldFile, AStateDictIsEnough) {
  TfGridNetSeparatorConfig config = small_config(2, "image");
  config.fcp = {};
  const TfGridNetSeparator network(config, DType::float64, cpu_device, 3);
  const std::string path = (folder_ / "model.safetensors").string();
  write_safetensors(path, network.parameters().state_dict(), {});
  EXPECT_THROW(load_separator(path, "", DType::float64, cpu_device), ModelError);
  const LoadedModel model = load_separator(path, "tf-gridnet", DType::float64, cpu_device);
  EXPECT_EQ(model.separator->metadata(), network.metadata());
  EXPECT_THROW(load_separator(path, "stft-conv-tasnet", DType::float64, cpu_device), ModelError);
  EXPECT_THROW(load_separator(path, "tf-gridnet", DType::float64, cpu_device, {{"n_fft", "64"}}), ModelError);
  EXPECT_THROW(load_separator(path, "tf-gridnet", DType::float64, cpu_device, {{"output", "both"}}), UsageError);
}

}  // namespace
}  // namespace sunder
