// Weights of other projects: the networks that are made of them against plain float64 loops and the reference
// implementations, and what is refused.
#include "nn/foreign_model.h"

#include "nn/architectures.h"
#include "nn/stft_conv_tasnet.h"
#include "nn/tfgridnet_separator.h"
#include "tensor/ops/stft.h"
#include "tensor/random.h"
#include "tests/files/scratch_folder.h"
#include "tests/golden.h"
#include "tests/nn/plain_networks.h"

namespace sunder {
namespace {

// float32 against float64.
constexpr double largest_error = 1e-5;

Tensor noise(Shape shape, uint64_t which, double level = 0.3) {
  const Tensor result = Tensor::empty(std::move(shape), DType::float64);
  Random random(which, RandomUse::test);
  for (int64_t i = 0; i < result.numel(); ++i) result.mutable_data<double>()[i] = level * random.normal();
  return result;
}

class ForeignFile {
 public:
  void add(const std::string& name, const Shape& shape) {
    // PyTorch's models are float32 as a rule; the loops compute with the same numbers.
    file.tensors[name] = noise(shape, file.tensors.size()).cast(DType::float32).cast(DType::float64);
  }
  ForeignModel import(const std::string& project, const std::map<std::string, std::string>& given = {}) const {
    return foreign_model(file, "x.safetensors", project, given);
  }
  SafeTensors file;
};

struct GridSizes {
  int64_t microphones = 2, channels = 6, kernel = 4, stride = 1, hidden = 3, heads = 2, queries = 2, blocks = 2,
          bins = 9;
};

// ESPnet's first TFGridNet.
ForeignFile grid_net_file(const GridSizes& n, const std::string& prefix) {
  ForeignFile file;
  const auto add = [&](const std::string& name, const Shape& shape) { file.add(prefix + name, shape); };
  add("conv.0.weight", {n.channels, 2 * n.microphones, 3, 3});
  add("conv.0.bias", {n.channels});
  for (const char* name : {"conv.1.weight", "conv.1.bias"}) add(name, {n.channels});
  for (int64_t b = 0; b < n.blocks; ++b) {
    const std::string block = "blocks." + std::to_string(b) + ".";
    for (const std::string& path : {block + "intra_", block + "inter_"}) {
      for (const char* name : {"norm.gamma", "norm.beta"}) add(path + name, {1, n.channels, 1, 1});
      for (const char* direction : {"_l0", "_l0_reverse"}) {
        add(path + "rnn.weight_ih" + direction, {4 * n.hidden, n.channels * n.kernel});
        add(path + "rnn.weight_hh" + direction, {4 * n.hidden, n.hidden});
        for (const char* bias : {"rnn.bias_ih", "rnn.bias_hh"}) add(path + bias + direction, {4 * n.hidden});
      }
      add(path + "linear.weight", {2 * n.hidden, n.channels, n.kernel});
      add(path + "linear.bias", {n.channels});
    }
    const auto add_head = [&](const std::string& name, int64_t outputs) {
      add(block + name + ".0.weight", {outputs, n.channels, 1, 1});
      add(block + name + ".0.bias", {outputs});
      add(block + name + ".1.weight", {1});
      for (const char* norm : {".2.gamma", ".2.beta"}) add(block + name + norm, {1, outputs, 1, n.bins});
    };
    for (int64_t h = 0; h < n.heads; ++h) {
      for (const char* what : {"Q", "K"}) add_head(fmt::format("attn_conv_{}_{}", what, h), n.queries);
      add_head(fmt::format("attn_conv_V_{}", h), n.channels / n.heads);
    }
    add_head("attn_concat_proj", n.channels);
  }
  add("deconv.weight", {n.channels, 4, 3, 3});
  add("deconv.bias", {4});
  return file;
}

std::vector<double> window_of(const std::string& name, int64_t n_fft, double divisor = 1) {
  std::vector<double> window = make_window(name, n_fft, DType::float64).to_vector<double>();
  for (double& value : window) value /= divisor;
  return window;
}

// mixture: (M, L). What a network of complex spectra makes of it, at the level of the recording.
struct PlainStft {
  std::vector<double> window;
  int64_t hop;
  bool reflect, remove_mean;
};
template <class Network>
std::vector<std::vector<double>> plain_estimates(const Tensor& mixture, const PlainStft& stft, const Network& network) {
  const int64_t microphones = mixture.size(0), length = mixture.size(1), count = mixture.numel();
  const auto n_fft = static_cast<int64_t>(stft.window.size());
  const double* samples = mixture.data<double>();
  double mean = 0, squares = 0;
  for (int64_t i = 0; i < count; ++i) mean += samples[i] / static_cast<double>(count);
  for (int64_t i = 0; i < count; ++i) squares += (samples[i] - mean) * (samples[i] - mean);
  const double deviation = std::sqrt(squares / static_cast<double>(count - 1));
  const int64_t bins = n_fft / 2 + 1, frames = (length + (stft.reflect ? 0 : stft.hop - 1)) / stft.hop + 1;
  plain::Grid features(2 * microphones, frames, bins);
  for (int64_t m = 0; m < microphones; ++m) {
    std::vector<double> signal;
    for (int64_t i = 0; i < length; ++i)
      signal.push_back((samples[m * length + i] - (stft.remove_mean ? mean : 0)) / deviation);
    const plain::Rows spectrum = plain::stft(signal, stft.window, stft.hop, frames, stft.reflect);
    for (int64_t k = 0; k < 2 * bins; ++k)
      for (int64_t t = 0; t < frames; ++t) features(m + (k < bins ? 0 : microphones), t, k % bins) = spectrum[k][t];
  }
  const plain::Grid outputs = network(features);
  std::vector<std::vector<double>> result;
  for (int64_t s = 0; s < outputs.channels / 2; ++s) {
    plain::Rows spectrum(2 * bins, std::vector<double>(frames));
    for (int64_t k = 0; k < 2 * bins; ++k)
      for (int64_t t = 0; t < frames; ++t) spectrum[k][t] = outputs(2 * s + (k < bins ? 0 : 1), t, k % bins);
    result.push_back(plain::istft(spectrum, stft.window, stft.hop, length));
    for (double& sample : result.back()) sample *= deviation;
  }
  return result;
}

// The largest difference relative to the largest sample.
double difference(const Tensor& estimates, const std::vector<std::vector<double>>& expected) {
  const std::vector<double> values = estimates.cast(DType::float64).to_vector<double>();
  double worst = 0, largest = 0;
  size_t i = 0;
  for (const auto& signal : expected)
    for (const double sample : signal) {
      worst = std::max(worst, std::abs(values.at(i++) - sample));
      largest = std::max(largest, std::abs(sample));
    }
  EXPECT_EQ(i, values.size());
  EXPECT_GT(largest, 1e-3);
  return worst / largest;
}

Tensor separated(const ForeignModel& model, const Tensor& mixture) {
  Shape shape = mixture.shape();
  shape.insert(shape.begin(), 1);
  return model.separator->forward(mixture.cast(DType::float32).reshape(shape)).value();
}

std::string origin_of(const ForeignModel& model, const std::string& key) {
  for (const ForeignSetting& setting : model.settings)
    if (setting.key == key) return setting.value + " " + setting.origin;
  return "";
}

// Heads of their own, channels before neighbours, zeros behind only, for overlapping and for adjacent neighbours.
TEST(ForeignModelTest, EspnetsFirstTfGridNetComputesTheSame) {
  const Tensor mixture = noise({2, 111}, 500).cast(DType::float32).cast(DType::float64);
  for (const auto& [kernel, stride] :
       std::initializer_list<std::pair<int64_t, int64_t>>{{4, 1}, {3, 2}, {2, 2}, {1, 1}}) {
    const GridSizes sizes{.kernel = kernel, .stride = stride};
    const ForeignFile file = grid_net_file(sizes, "module.separator.");
    std::map<std::string, std::string> given;
    if (stride > 1) given["emb_hs"] = std::to_string(stride);
    const ForeignModel model = file.import("espnet", given);
    const auto network = [&](const plain::Grid& features) {
      return plain::grid_net(features, file.file.tensors, "module.separator.", sizes.blocks, sizes.heads, stride);
    };
    EXPECT_LT(difference(separated(model, mixture),
                         plain_estimates(mixture, {window_of("hann", 16), 8, true, false}, network)),
              largest_error)
        << kernel << " " << stride;
    EXPECT_EQ(model.layout.prefix, "module.separator.");
    EXPECT_EQ(origin_of(model, "hop_length"), "8 assumed");
    EXPECT_EQ(origin_of(model, "n_fft"), "16 shapes");
    EXPECT_EQ(origin_of(model, "emb_hs"), std::to_string(stride) + (stride > 1 ? " given" : " assumed"));
    EXPECT_EQ(model.metadata.at("imported_from"), "espnet");
    EXPECT_TRUE(model.ignored.empty());
  }
}

// ESPnet's second TF-GridNet, whose names and layouts Sunder has, against ESPnet itself.
TEST(ForeignModelTest, EspnetsSecondTfGridNetComputesTheSame) {
  for (const char* name : {"tfgridnet_ks4_hs1", "tfgridnet_ks2_hs2"}) {
    SUNDER_NEEDS_SHARED(std::string("golden/models/") + name + ".safetensors");
    const Golden golden(name, DType::float32);
    ForeignFile file;
    for (const auto& [key, tensor] : golden.file().tensors)
      if (key.starts_with("blocks.") || key.starts_with("conv.") || key.starts_with("deconv."))
        file.file.tensors["separator." + key] = tensor;
    const ForeignModel model = file.import("espnet", {{"hop_length", "16"}});
    const auto* separator = dynamic_cast<const TfGridNetSeparator*>(model.separator.get());
    ASSERT_NE(separator, nullptr);
    const Tensor input = golden("input"), output = golden("output");  // (B, 2 M, T, F), (B, 2 S, T, F)
    const int64_t items = input.size(0), microphones = input.size(1) / 2, units = input.size(2) * input.size(3);
    const Tensor spectra = Tensor::empty({items, microphones, input.size(2), input.size(3)}, DType::complex64);
    for (int64_t i = 0; i < spectra.numel(); ++i) {
      const int64_t item = i / (microphones * units), within = i % (microphones * units);
      const float* parts = input.data<float>() + item * 2 * microphones * units;
      spectra.mutable_data<complex64>()[i] = {parts[within], parts[microphones * units + within]};
    }
    const Tensor estimates = separator->estimates(spectra).value().as_real();  // (B, S, T, F, 2)
    Tensor expected = Tensor::empty(estimates.shape(), DType::float32);
    for (int64_t i = 0; i < expected.numel(); ++i)
      expected.mutable_data<float>()[i] =
          output.data<float>()[(i / 2 / units) * 2 * units + (i % 2) * units + i / 2 % units];
    const auto a = estimates.to_vector<float>(), b = expected.to_vector<float>();
    float worst = 0, largest = 0;
    for (size_t i = 0; i < a.size(); ++i) {
      worst = std::max(worst, std::abs(a[i] - b[i]));
      largest = std::max(largest, std::abs(b[i]));
    }
    EXPECT_LT(worst, largest_error * static_cast<double>(largest)) << name;
  }
}

// The names and layouts of TFGridNetV2 from those of the first, for I = J = 1 the same network.
ForeignFile second_version(const ForeignFile& first, const GridSizes& n, const std::string& prefix) {
  const ForeignModel model = first.import("espnet");
  ForeignFile file;
  EXPECT_EQ(n.kernel, 1);
  for (const auto& [name, tensor] : model.separator->parameters().state_dict())
    file.file.tensors[prefix + name] = tensor.cast(DType::float64);
  return file;
}

// MERL's code removes the mean, divides the window by its sum and pads with zeros. With the conventions of ESPnet the
// same weights give something else.
TEST(ForeignModelTest, MerlsConventionsAreHonoured) {
  const GridSizes sizes{.kernel = 1};
  const ForeignFile first = grid_net_file(sizes, "");
  ForeignFile file = second_version(first, sizes, "model.");
  file.file.tensors["loss.counter"] = Tensor::full({1}, 3, DType::int64);
  Tensor mixture = noise({2, 111}, 501);
  for (int64_t i = 0; i < mixture.numel(); ++i) mixture.mutable_data<double>()[i] += 0.2;
  mixture = mixture.cast(DType::float32).cast(DType::float64);
  const auto network = [&](const plain::Grid& features) {
    return plain::grid_net(features, first.file.tensors, "", sizes.blocks, sizes.heads, 1);
  };
  const std::vector<double> window = window_of("sqrt_hann", 16);
  double sum = 0;
  for (const double value : window) sum += value;
  const auto expected = plain_estimates(mixture, {window_of("sqrt_hann", 16, sum), 4, false, true}, network);
  const ForeignModel model = file.import("merl", {{"estimate", "image"}});
  EXPECT_LT(difference(separated(model, mixture), expected), largest_error);
  EXPECT_EQ(model.ignored, std::vector<std::string>{"loss.counter, int64 (1)"});

  for (const auto& [key, value] : std::map<std::string, std::string>{
           {"window_scale", "none"}, {"remove_mean", "false"}, {"stft_padding", "reflect"}, {"window", "hann"}}) {
    const ForeignModel other = file.import("merl", {{"estimate", "image"}, {key, value}});
    EXPECT_GT(difference(separated(other, mixture), expected), 100 * largest_error) << key;
  }
  const ForeignModel as_trained = file.import("merl");
  for (const auto& [key, value] : std::map<std::string, std::string>{
           {"estimate", "source"}, {"fcp_past", "19"}, {"fcp_future", "1"}, {"hop_length", "4"}})
    EXPECT_EQ(as_trained.metadata.at(key), value);
}

struct MaskSizes {
  int64_t n_fft = 16, hop = 8, channels = 5, hidden = 7, blocks = 3, repeats = 2, sources = 2;
  bool real_imag = true;
};

// Asteroid's masker of so many features.
void add_td_conv_net(ForeignFile& file, const MaskSizes& n, int64_t inputs) {
  const auto add = [&](const std::string& name, const Shape& shape) { file.add("masker." + name, shape); };
  for (const char* name : {"bottleneck.0.gamma", "bottleneck.0.beta"}) add(name, {inputs});
  add("bottleneck.1.weight", {n.channels, inputs, 1});
  add("bottleneck.1.bias", {n.channels});
  for (int64_t b = 0; b < n.blocks * n.repeats; ++b) {
    const std::string block = "TCN." + std::to_string(b) + ".";
    add(block + "shared_block.0.weight", {n.hidden, n.channels, 1});
    add(block + "shared_block.3.weight", {n.hidden, 1, 3});
    for (const char* layer : {"0", "3"}) add(block + "shared_block." + layer + ".bias", {n.hidden});
    for (const char* layer : {"1", "4"}) add(block + "shared_block." + layer + ".weight", {1});
    for (const char* layer : {"2", "5"})
      for (const char* part : {".gamma", ".beta"}) add(block + "shared_block." + layer + part, {n.hidden});
    for (const char* out : {"res_conv", "skip_conv"}) {
      add(block + out + ".weight", {n.channels, n.hidden, 1});
      add(block + out + ".bias", {n.channels});
    }
  }
  add("mask_net.0.weight", {1});
  add("mask_net.1.weight", {n.sources * inputs, n.channels, 1});
  add("mask_net.1.bias", {n.sources * inputs});
}

// Asteroid's ConvTasNet; filters as NumPy makes them.
ForeignFile td_conv_net_file(const MaskSizes& n) {
  ForeignFile file;
  const int64_t bins = n.n_fft / 2 + 1;
  add_td_conv_net(file, n, n.real_imag ? 2 * bins : bins);
  const std::vector<double> window = window_of("sqrt_hann", n.n_fft);
  Tensor filters = Tensor::empty({2 * bins, 1, n.n_fft}, DType::float64);
  for (int64_t row = 0; row < 2 * bins; ++row)
    for (int64_t i = 0; i < n.n_fft; ++i) {
      const double angle = 2 * M_PI * static_cast<double>(row % bins * i) / static_cast<double>(n.n_fft);
      const double level = 2 * std::sqrt(static_cast<double>(n.hop)) / static_cast<double>(n.n_fft);
      filters.mutable_data<double>()[row * n.n_fft + i] = level * window[i] *
                                                          (row % (bins - 1) == 0 && row < bins ? std::sqrt(0.5) : 1) *
                                                          (row < bins ? std::cos(angle) : -std::sin(angle));
    }
  for (const char* side : {"encoder", "decoder"}) {
    file.file.tensors[std::string(side) + ".filterbank._filters"] = filters.cast(DType::float32);
    file.file.tensors[std::string(side) + ".filterbank.torch_window"] =
        Tensor::from(window, {n.n_fft}).cast(DType::float32);
  }
  file.file.metadata = {{"fb_name", "stft"},
                        {"n_blocks", std::to_string(n.blocks)},
                        {"sample_rate", "16000.0"},
                        {"norm_type", "gLN"},
                        {"causal", "False"}};
  return file;
}

// Asteroid filters, masks every filter's output, and filters back; around the mixture there are zeros.
std::vector<std::vector<double>> plain_filterbank_estimates(const ForeignFile& file, const MaskSizes& n,
                                                            const Tensor& mixture, bool relu) {
  const Tensor filters = file.file.tensors.at("encoder.filterbank._filters").cast(DType::float64);
  const int64_t rows = filters.size(0), length = mixture.size(0), frames = (length + n.hop - 1) / n.hop + 1;
  const double *filter = filters.data<double>(), *samples = mixture.data<double>();
  const auto position = [&](int64_t t, int64_t i) { return t * n.hop + i - n.n_fft / 2; };
  plain::Rows x(rows, std::vector<double>(frames));
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t t = 0; t < frames; ++t)
      for (int64_t i = 0; i < n.n_fft; ++i)
        if (position(t, i) >= 0 && position(t, i) < length)
          x[row][t] += filter[row * n.n_fft + i] * samples[position(t, i)];
  const plain::Rows masks = plain::td_conv_net(x, file.file.tensors, "masker.", n.blocks, n.repeats);
  std::vector<std::vector<double>> result;
  for (int64_t s = 0; s < n.sources; ++s) {
    result.emplace_back(length);
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t t = 0; t < frames; ++t) {
        const double score = masks[s * rows + row][t];
        const double value = x[row][t] * (relu ? std::max(0.0, score) : plain::sigmoid(score));
        for (int64_t i = 0; i < n.n_fft; ++i)
          if (position(t, i) >= 0 && position(t, i) < length)
            result[s][position(t, i)] += filter[row * n.n_fft + i] * value;
      }
  }
  return result;
}

TEST(ForeignModelTest, AsteroidsConvTasNetOnAnStftComputesTheSame) {
  const MaskSizes sizes;
  const Tensor mixture = noise({101}, 502).cast(DType::float32).cast(DType::float64);
  for (const bool relu : {false, true}) {
    ForeignFile file = td_conv_net_file(sizes);
    if (relu) file.file.metadata["mask_act"] = "relu";
    const ForeignModel model = file.import("asteroid");
    EXPECT_LT(difference(separated(model, mixture), plain_filterbank_estimates(file, sizes, mixture, relu)),
              largest_error);
    EXPECT_EQ(origin_of(model, "hop_length"), "8 filters");
    EXPECT_EQ(origin_of(model, "window"), "sqrt_hann filters");
    EXPECT_EQ(origin_of(model, "features"), "real_imag shapes");
    EXPECT_EQ(origin_of(model, "num_layers"), "3 metadata");
    EXPECT_EQ(origin_of(model, "sample_rate"), "16000 metadata");
    EXPECT_EQ(origin_of(model, "masks"), relu ? "relu metadata" : "sigmoid assumed");
    EXPECT_EQ(model.ignored.size(), 6u) << "two filter banks, two windows and the last residual";
  }
}

// Asteroid's ConvTasNet with learned filters: its model_args as metadata.
ForeignFile learned_filters_file(const MaskSizes& n, int64_t filters, int64_t length) {
  ForeignFile file;
  add_td_conv_net(file, n, filters);
  for (const char* side : {"encoder", "decoder"})
    file.add(std::string(side) + ".filterbank._filters", {filters, 1, length});
  file.file.metadata = {{"fb_name", "FreeFB"},
                        {"kernel_size", std::to_string(length)},
                        {"conv_kernel_size", "3"},
                        {"n_filters", std::to_string(filters)},
                        {"stride", "3"},
                        {"encoder_activation", "None"},
                        {"n_blocks", std::to_string(n.blocks)},
                        {"sample_rate", "8000.0"}};
  return file;
}

// Frames inside the mixture, products with the filters, masks of them, and the decoder's filters overlap-added.
std::vector<std::vector<double>> plain_learned_estimates(const ForeignFile& file, const MaskSizes& n, int64_t stride,
                                                         const Tensor& mixture, bool relu) {
  const Tensor encoder = file.file.tensors.at("encoder.filterbank._filters"),
               decoder = file.file.tensors.at("decoder.filterbank._filters");
  const int64_t filters = encoder.size(0), size = encoder.size(2), length = mixture.size(0);
  const int64_t frames = (length - size) / stride + 1;
  const auto activated = [&](double value) { return relu ? std::max(0.0, value) : value; };
  plain::Rows x(filters, std::vector<double>(frames));
  for (int64_t row = 0; row < filters; ++row)
    for (int64_t t = 0; t < frames; ++t) {
      double value = 0;
      for (int64_t i = 0; i < size; ++i)
        value += encoder.data<double>()[row * size + i] * mixture.data<double>()[t * stride + i];
      x[row][t] = activated(value);
    }
  const plain::Rows scores = plain::td_conv_net(x, file.file.tensors, "masker.", n.blocks, n.repeats);
  std::vector<std::vector<double>> result;
  for (int64_t s = 0; s < n.sources; ++s) {
    result.emplace_back(length);
    for (int64_t row = 0; row < filters; ++row)
      for (int64_t t = 0; t < frames; ++t) {
        const double score = scores[s * filters + row][t];
        const double value = x[row][t] * (relu ? std::max(0.0, score) : plain::sigmoid(score));
        for (int64_t i = 0; i < size; ++i) result[s][t * stride + i] += decoder.data<double>()[row * size + i] * value;
      }
  }
  return result;
}

TEST(ForeignModelTest, AsteroidsConvTasNetWithLearnedFiltersComputesTheSame) {
  const MaskSizes sizes;
  const Tensor mixture = noise({101}, 504).cast(DType::float32).cast(DType::float64);
  for (const bool relu : {false, true}) {
    ForeignFile file = learned_filters_file(sizes, 10, 8);
    if (relu) file.file.metadata["mask_act"] = file.file.metadata["encoder_activation"] = "relu";
    const ForeignModel model = file.import("asteroid");
    EXPECT_EQ(model.metadata.at("architecture"), "conv-tasnet");
    EXPECT_LT(difference(separated(model, mixture), plain_learned_estimates(file, sizes, 3, mixture, relu)),
              largest_error);
    EXPECT_EQ(origin_of(model, "filter_length"), "8 metadata");
    EXPECT_EQ(origin_of(model, "filter_stride"), "3 metadata");
    EXPECT_EQ(origin_of(model, "kernel_size"), "3 metadata");
    EXPECT_EQ(origin_of(model, "num_layers"), "3 metadata");
    EXPECT_EQ(origin_of(model, "mask_activation"), relu ? "relu metadata" : "sigmoid assumed");
    EXPECT_EQ(origin_of(model, "encoder_activation"), relu ? "relu metadata" : "linear assumed");
    EXPECT_EQ(model.ignored.size(), 2u) << "the last residual";
  }
  ForeignFile bare = learned_filters_file(sizes, 10, 8);
  bare.file.metadata.clear();
  const ForeignModel model = bare.import("asteroid", {{"hop_length", "3"}, {"num_layers", "3"}});
  EXPECT_LT(difference(separated(model, mixture), plain_learned_estimates(bare, sizes, 3, mixture, false)),
            largest_error);
  EXPECT_EQ(origin_of(model, "filter_stride"), "3 given");
}

TEST(ForeignModelTest, TorchaudiosConvTasNetComputesTheSame) {
  SUNDER_NEEDS_SHARED("golden/models/conv_tasnet_time.safetensors");
  const Golden golden("conv_tasnet_time", DType::float32);
  for (const std::string prefix : {"module.", ""}) {
    ForeignFile file;
    for (const auto& [name, tensor] : golden.file().tensors)
      if (name.starts_with("mask_generator.") || name.starts_with("encoder.") || name.starts_with("decoder."))
        file.file.tensors[prefix + name] = tensor;
    std::map<std::string, std::string> given{{"num_layers", "3"}, {"num_stacks", "2"}};
    expect_error<ModelError>([&] { file.import("torchaudio", given); },
                             {"x.safetensors: expected mask_activation to be given", "relu", "sigmoid"});
    given["mask_activation"] = "relu";
    const ForeignModel model = file.import("torchaudio", given);
    const Tensor wave = golden("wave");
    golden.expect_equal(model.separator->forward(wave.reshape({wave.size(0), wave.size(2)})).value(), "estimate", 2e-6);
    EXPECT_EQ(origin_of(model, "filter_stride"), "8 assumed");
    EXPECT_TRUE(model.ignored.empty());
  }
}

// A masker of magnitudes, without a filter bank: masks of the mixture's spectrum.
TEST(ForeignModelTest, AsteroidsMaskerOfMagnitudesComputesTheSame) {
  const MaskSizes sizes{.real_imag = false};
  ForeignFile file = td_conv_net_file(sizes);
  std::erase_if(file.file.tensors, [](const auto& entry) { return !entry.first.starts_with("masker."); });
  const ForeignModel model = file.import("asteroid", {{"hop_length", "4"}});
  const Tensor mixture = noise({90}, 503).cast(DType::float32).cast(DType::float64);
  const std::vector<double> window = window_of("sqrt_hann", 16, 16 / (2 * std::sqrt(4.0)));
  const int64_t bins = 9, frames = (90 + 3) / 4 + 1;
  const plain::Rows spectrum = plain::stft(mixture.to_vector<double>(), window, 4, frames, false);
  plain::Rows magnitudes(bins, std::vector<double>(frames));
  for (int64_t k = 0; k < bins; ++k)
    for (int64_t t = 0; t < frames; ++t) magnitudes[k][t] = std::hypot(spectrum[k][t], spectrum[bins + k][t]);
  const plain::Rows scores = plain::td_conv_net(magnitudes, file.file.tensors, "masker.", 3, 2);
  std::vector<std::vector<double>> expected;
  for (int64_t s = 0; s < 2; ++s) {
    plain::Rows masked = spectrum;
    for (int64_t k = 0; k < 2 * bins; ++k)
      for (int64_t t = 0; t < frames; ++t) masked[k][t] *= plain::sigmoid(scores[s * bins + k % bins][t]);
    expected.push_back(plain::istft(masked, window, 4, 90));
  }
  EXPECT_LT(difference(separated(model, mixture), expected), largest_error);
  EXPECT_EQ(origin_of(model, "features"), "magnitude shapes");
}

// MixCycle's network around torchaudio's mask generator, against the authors' code.
TEST(ForeignModelTest, TorchaudiosMaskGeneratorComputesTheSame) {
  SUNDER_NEEDS_SHARED("golden/models/stft_conv_tasnet_s2.safetensors");
  const Golden golden("stft_conv_tasnet_s2", DType::float32);
  for (const std::string prefix : {"module.mask_generator.", ""}) {
    ForeignFile file;
    for (const auto& [name, tensor] : golden.file().tensors)
      if (name.starts_with("mask_generator.")) file.file.tensors[prefix + name.substr(15)] = tensor;
    file.file.tensors[prefix + "window"] = Tensor::zeros({4}, DType::float32);
    file.file.others["steps"] = "I32 [1]";
    std::map<std::string, std::string> given;
    for (const char* key : {"hop_length", "num_layers", "num_stacks"}) given[key] = golden.file().metadata.at(key);
    const ForeignModel model = file.import("torchaudio", given);
    const Tensor input = golden("input");
    golden.expect_equal(model.separator->forward(input.reshape({input.size(0), input.size(2)})).value(), "output",
                        2e-6);
    EXPECT_EQ(model.ignored, (std::vector<std::string>{prefix + "window, float32 (4)", "steps, I32 [1]"}));
  }
}

void expect_refused(const ForeignFile& file, const std::string& project, const std::vector<std::string>& parts,
                    const std::map<std::string, std::string>& given = {}) {
  std::vector<std::string> all{"x.safetensors: "};
  all.insert(all.end(), parts.begin(), parts.end());
  expect_error<ModelError>([&] { file.import(project, given); }, all);
}

TEST(ForeignModelTest, NetworksThatSunderDoesNotHaveAreNamed) {
  ForeignFile learned = td_conv_net_file({});
  learned.add("encoder.filterbank._filters", {18, 1, 16});
  expect_refused(learned, "asteroid",
                 {"expected encoder.filterbank._filters of shape (18, 1, 16) to be the STFT of "
                  "decoder.filterbank._filters, found filters that were learned"});
  ForeignFile one_side = learned_filters_file({}, 10, 8);
  one_side.file.tensors.erase("decoder.filterbank._filters");
  expect_refused(
      one_side, "asteroid",
      {"expected learned filters (N, 1, K) of one encoder and one decoder, found encoder.filterbank._filters"});
  ForeignFile apart = learned_filters_file({}, 10, 8);
  apart.add("decoder.filterbank._filters", {10, 1, 6});
  expect_refused(apart, "asteroid", {"expected decoder.filterbank._filters of shape (10, 1, 8)", "found (10, 1, 6)"});
  ForeignFile sinc = td_conv_net_file({});
  sinc.file.metadata["fb_name"] = "ParamSincFB";
  expect_refused(sinc, "asteroid", {"expected fb_name stft or free, found ParamSincFB in the metadata"});

  ForeignFile causal = td_conv_net_file({});
  causal.file.metadata["norm_type"] = "cLN";
  expect_refused(causal, "asteroid", {"expected norm_type gLN (global layer norms), found cLN"});
  ForeignFile plus = td_conv_net_file({});
  plus.add("masker.consistency.weight", {2, 5});
  expect_refused(plus, "asteroid", {"holds a tensor masker.consistency.weight that the network does not have"});

  ForeignFile nothing;
  nothing.add("separator.tcn.network.0.weight", {3, 3});
  expect_refused(nothing, "espnet",
                 {"expected the weights of ESPnet's TFGridNet", "ESPnet's TFGridNetV2",
                  "found 1 tensors of another network, the first of them separator.tcn.network.0.weight"});
  expect_refused(td_conv_net_file({}), "merl", {"expected the weights of", "found those of Asteroid's TDConvNet"});
  ForeignFile twice = grid_net_file({}, "student.");
  twice.file.tensors.merge(grid_net_file({}, "teacher.").file.tensors);
  expect_refused(twice, "espnet", {"expected the weights of one network", "(student.*)", "(teacher.*)"});
  ForeignFile own = grid_net_file({}, "");
  own.file.metadata["architecture"] = "tf-gridnet";
  expect_refused(own, "espnet", {"found a model of Sunder's"});
}

TEST(ForeignModelTest, WrongAndIncompleteCheckpointsAreNamed) {
  const auto without = [](ForeignFile file, const std::string& name) {
    EXPECT_EQ(file.file.tensors.erase(name), 1u) << name;
    return file;
  };
  const auto with = [](ForeignFile file, const std::string& name, const Shape& shape) {
    file.add(name, shape);
    return file;
  };
  const ForeignFile grid = grid_net_file({}, "separator."), masks = td_conv_net_file({});
  expect_refused(without(masks, "masker.TCN.1.shared_block.5.gamma"), "asteroid",
                 {"expected a tensor masker.TCN.1.shared_block.5.gamma of shape (7), found none"});
  expect_refused(without(masks, "masker.mask_net.1.weight"), "asteroid",
                 {"expected a tensor masker.mask_net.1.weight with 3 axes (Asteroid's TDConvNet), found none"});
  expect_refused(without(masks, "masker.TCN.0.skip_conv.bias"), "asteroid",
                 {"expected a tensor masker.TCN.0.skip_conv.bias of shape (5), found none"});
  expect_refused(with(masks, "masker.bottleneck.0.beta", {17}), "asteroid",
                 {"expected masker.bottleneck.0.beta of shape (18), found float64 (17)"});
  expect_refused(without(grid, "separator.blocks.1.attn_conv_K_0.0.weight"), "espnet",
                 {"expected a tensor separator.blocks.1.attn_conv_K_0.0.weight of shape (2, 6, 1, 1), found none"});
  expect_refused(with(grid, "separator.blocks.0.attn_conv_V_1.2.beta", {1, 4, 1, 9}), "espnet",
                 {"expected separator.blocks.0.attn_conv_V_1.2.beta of shape (1, 3, 1, 9), as "
                  "separator.blocks.0.attn_conv_V_0.2.beta, found float64 (1, 4, 1, 9)"});
  expect_refused(without(grid, "separator.blocks.0.inter_norm.beta"), "espnet",
                 {"expected a tensor separator.blocks.0.inter_norm.beta of shape (6), found none"});
  expect_refused(without(grid, "separator.deconv.weight"), "espnet", {"separator.deconv.weight with 4 axes"});
  expect_refused(with(grid, "separator.extra", {2}), "espnet", {"holds a tensor separator.extra that"});
  ForeignFile infinite = grid;
  infinite.file.tensors["separator.deconv.bias"] = Tensor::full({4}, 1e300, DType::float64);
  expect_refused(infinite, "espnet", {"expected finite numbers", "deconv.bias"});
}

TEST(ForeignModelTest, SettingsThatCannotBeAreRefused) {
  const ForeignFile grid = grid_net_file({}, ""), masks = td_conv_net_file({});
  expect_error<UsageError>([&] { grid.import("speechbrain"); }, {"a project of asteroid, espnet, merl, torchaudio"});
  expect_error<UsageError>([&] { grid.import("espnet", {{"hop_lenght", "8"}}); }, {"unknown key 'hop_lenght'"});
  expect_error<UsageError>([&] { grid.import("espnet", {{"window", "kaiser"}}); }, {"window: expected one of"});
  expect_error<UsageError>([&] { grid.import("espnet", {{"hop_length", "15"}}); }, {"allows reconstruction"});
  expect_refused(masks, "asteroid", {"expected hop_length 4 as given, its filters say 8"}, {{"hop_length", "4"}});
  ForeignFile odd = masks;
  odd.file.metadata["mask_act"] = "softmax";
  expect_refused(odd, "asteroid", {"masks", "softmax"});
}

}  // namespace
}  // namespace sunder
