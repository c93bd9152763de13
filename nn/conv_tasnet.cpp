#include "nn/conv_tasnet.h"

#include <cmath>

#include "autograd/ops.h"
#include "nn/remove_mean.h"
#include "tensor/ops/binary.h"
#include "tensor/ops/magnitude.h"
#include "tensor/ops/permute.h"
#include "tensor/ops/stft.h"

namespace sunder {
namespace {

void check(ConvTasNetConfig c) {
  check_ranges(fields(c), StftConvTasNet::architecture);
  if (c.n_fft < c.hop_length)
    throw_error<UsageError>("stft-conv-tasnet: n_fft: expected at least the hop length {}, got {}", c.hop_length,
                            c.n_fft);
  if (c.kernel_size % 2 == 0)
    throw_error<UsageError>("stft-conv-tasnet: kernel_size: expected an odd number, got {}", c.kernel_size);
  if (c.features != "magnitude" && c.masks == "shares")
    throw_error<UsageError>("stft-conv-tasnet: masks: expected sigmoid or relu for features {}, got shares",
                            c.features);
}

}  // namespace

Fields fields(ConvTasNetConfig& c) {
  return Fields{number("sources", &c.sources, 1, 64, "sources in a mixture")} + frame_fields(&c.n_fft, &c.hop_length) +
         Fields{
             number("num_feats", &c.num_feats, 1, 1 << 20, "channels of the bottleneck and skip paths"),
             number("num_hidden", &c.num_hidden, 1, 1 << 20, "channels inside a block"),
             number("kernel_size", &c.kernel_size, 1, 1023, "kernel size of the depthwise convolutions in frames, odd"),
             number("num_layers", &c.num_layers, 1, 30, "blocks per stack; the dilation doubles with each block"),
             number("num_stacks", &c.num_stacks, 1, 1000, "number of stacks")} +
         window_fields(&c.window, &c.window_scale, &c.stft_padding) +
         Fields{flag("remove_mean", &c.remove_mean, "subtract a mixture's mean before its STFT"),
                text("features", &c.features, "what the network sees of a bin", {"magnitude", "real_imag"}),
                text("masks", &c.masks, "shares (add up to one), or each output's own", {"shares", "sigmoid", "relu"})};
}

void read_model_file(ConvTasNetConfig& config, const SafeTensors& file, const std::string& source) {
  const std::string prefix = "mask_generator.", network = "an stft-conv-tasnet";
  const auto shaped = [&](const std::string& name) -> const Tensor& {
    return named_tensor(file, source, prefix + name, 3, network);
  };
  const Tensor &input = shaped("input_conv.weight"), &output = shaped("output_conv.weight");
  const Tensor& depthwise = shaped("conv_layers.0.conv_layers.3.weight");
  const auto features = file.metadata.find("features");
  const int64_t parts = features != file.metadata.end() && features->second == "real_imag" ? 2 : 1;
  const int64_t bins = input.size(1) / parts, paper_layers = ConvTasNetConfig{}.num_layers;
  int64_t blocks = 0;
  while (file.tensors.contains(fmt::format("{}conv_layers.{}.conv_layers.0.weight", prefix, blocks))) ++blocks;
  config.num_feats = input.size(0);
  config.n_fft = 2 * (bins - 1);
  config.num_hidden = depthwise.size(0);
  config.kernel_size = depthwise.size(2);
  config.sources = bins > 0 ? output.size(0) / (parts * bins) : 0;
  read_metadata(fields(config), file.metadata, source);
  if (!file.metadata.contains("hop_length")) config.hop_length = std::max<int64_t>(1, config.n_fft / 4);
  const bool knows_stacks = file.metadata.contains("num_stacks");
  if (!file.metadata.contains("num_layers"))
    config.num_layers = knows_stacks                 ? std::max<int64_t>(1, blocks / config.num_stacks)
                        : blocks % paper_layers == 0 ? paper_layers
                                                     : std::max<int64_t>(1, blocks);
  if (!knows_stacks) config.num_stacks = std::max<int64_t>(1, blocks / config.num_layers);
  if (config.num_layers * config.num_stacks != blocks)
    throw_error<ModelError>("{}: expected num_layers x num_stacks = {} blocks, got {} x {}", source, blocks,
                            config.num_layers, config.num_stacks);
  if (config.n_fft / 2 + 1 != bins)
    throw_error<ModelError>("{}: expected {} bins for n_fft {}, found {}", source, config.n_fft / 2 + 1, config.n_fft,
                            bins);
}

namespace {

// Of the real parts of all bins, then of their imaginary parts. (2 F)
std::vector<double> orthonormal_weights(int64_t n_fft) {
  const int64_t bins = n_fft / 2 + 1;
  std::vector<double> weights(2 * bins, 1.0);
  weights[0] = weights[bins] = 1 / std::sqrt(2.0);
  if (n_fft % 2 == 0) weights[bins - 1] = weights[2 * bins - 1] = 1 / std::sqrt(2.0);
  return weights;
}

}  // namespace

StftConvTasNet::StftConvTasNet(const ConvTasNetConfig& config, Precision precision, Stream stream,
                               const Initialisation& initialisation)
    : config_((check(config), config)),
      precision_(precision),
      stft_({config.n_fft, config.hop_length, config.window, config.window_scale, config.stft_padding},
            precision.signals, stream) {
  const int64_t bins = parts() * (config.n_fft / 2 + 1), feats = config.num_feats;
  if (parts() == 2)
    part_weights_ = Tensor::from(orthonormal_weights(config.n_fft), {bins}).cast(precision.signals).to(stream);
  const std::string prefix = "mask_generator.";
  const Init one = Init::constant(1), zero = Init::constant(0);
  parameters_.declare(&input_gain_, {prefix + "input_norm.weight", {bins}, one});
  parameters_.declare(&input_shift_, {prefix + "input_norm.bias", {bins}, zero});
  parameters_.declare(&input_weight_, {prefix + "input_conv.weight", {feats, bins, 1}, Init::fan_in(bins)},
                      {feats, bins});
  parameters_.declare(&input_bias_, {prefix + "input_conv.bias", {feats}, Init::fan_in(bins)});
  blocks_.resize(config.num_stacks * config.num_layers);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    blocks_[i].dilation = int64_t{1} << (i % config.num_layers);
    declare_block(blocks_[i], prefix + "conv_layers." + std::to_string(i) + ".", i + 1 < blocks_.size());
  }
  const int64_t outputs = config.sources * bins;
  parameters_.declare(&output_slope_, {prefix + "output_prelu.weight", {1}, Init::constant(0.25)});
  parameters_.declare(&output_weight_, {prefix + "output_conv.weight", {outputs, feats, 1}, Init::fan_in(feats)},
                      {outputs, feats});
  parameters_.declare(&output_bias_, {prefix + "output_conv.bias", {outputs}, Init::fan_in(feats)});
  parameters_.allocate(precision.signals, stream, initialisation);
}

void StftConvTasNet::declare_block(Block& block, const std::string& prefix, bool residual) {
  const int64_t feats = config_.num_feats, hidden = config_.num_hidden, kernel = config_.kernel_size;
  const std::string inner = prefix + "conv_layers.";
  const Init one = Init::constant(1), zero = Init::constant(0), slope = Init::constant(0.25);
  parameters_.declare(&block.in_weight, {inner + "0.weight", {hidden, feats, 1}, Init::fan_in(feats)}, {hidden, feats});
  parameters_.declare(&block.in_bias, {inner + "0.bias", {hidden}, Init::fan_in(feats)});
  parameters_.declare(&block.in_slope, {inner + "1.weight", {1}, slope});
  parameters_.declare(&block.in_gain, {inner + "2.weight", {hidden}, one});
  parameters_.declare(&block.in_shift, {inner + "2.bias", {hidden}, zero});
  parameters_.declare(&block.conv_weight, {inner + "3.weight", {hidden, 1, kernel}, Init::fan_in(kernel)});
  parameters_.declare(&block.conv_bias, {inner + "3.bias", {hidden}, Init::fan_in(kernel)});
  parameters_.declare(&block.conv_slope, {inner + "4.weight", {1}, slope});
  parameters_.declare(&block.conv_gain, {inner + "5.weight", {hidden}, one});
  parameters_.declare(&block.conv_shift, {inner + "5.bias", {hidden}, zero});
  std::vector<Parameters::Entry> weights, biases;
  for (const char* path : {"res_out", "skip_out"}) {
    if (!residual && path == std::string("res_out")) continue;
    weights.push_back({prefix + path + ".weight", {feats, hidden, 1}, Init::fan_in(hidden)});
    biases.push_back({prefix + path + ".bias", {feats}, Init::fan_in(hidden)});
  }
  const int64_t rows = feats * static_cast<int64_t>(weights.size());
  parameters_.declare_rows(&block.out_weight, weights, {rows, hidden});
  parameters_.declare_rows(&block.out_bias, biases, {rows});
}

Variable StftConvTasNet::mask_logits(const Variable& features) const {
  // Products read weights in the activations' dtype: one cast for all of them, a no-op where the dtypes agree.
  const Tensor matrices = parameters_.values().cast(precision_.activations);
  const auto matrix = [&](const Variable& weight) { return parameters_.in_copy(matrices, weight); };
  const Tf32 tf32 = precision_.tf32;
  Variable x = linear(global_norm(features, input_gain_, input_shift_), matrix(input_weight_), input_bias_, tf32);
  Variable skip;
  for (const Block& block : blocks_) {
    const bool residual = &block != &blocks_.back();
    const std::vector<Variable> sums =
        conv_block({x, matrix(block.in_weight), block.in_bias, block.in_slope, block.in_gain, block.in_shift,
                    block.conv_weight, block.conv_bias, block.conv_slope, block.conv_gain, block.conv_shift,
                    matrix(block.out_weight), block.out_bias, skip},
                   {block.dilation, residual, tf32});
    if (residual) x = sums[0];
    skip = sums.back();
  }
  return linear(prelu(skip, output_slope_), matrix(output_weight_), output_bias_, tf32);
}

// (B, T, F) complex -> (B, T, F) or (B, T, 2 F)
Tensor StftConvTasNet::features(const Tensor& spectrum) const {
  if (config_.features == "magnitude") return magnitude(spectrum);
  const Tensor apart = permute(spectrum.as_real(), {0, 1, 3, 2});
  return multiply(apart.reshape({spectrum.size(0), spectrum.size(1), -1}), part_weights_);
}

// (B, T, S * F) or (B, T, S * 2 F) -> (B, S, T, F) complex
Variable StftConvTasNet::masked(const Variable& logits, const Tensor& spectrum) const {
  if (config_.masks == "shares") return soft_mask(logits, spectrum, config_.sources);
  const int64_t items = spectrum.size(0), steps = spectrum.size(1), bins = spectrum.size(2), outputs = config_.sources;
  const Variable in_signals = cast(logits, precision_.signals);
  const Variable masks = config_.masks == "relu" ? relu(in_signals) : sigmoid(in_signals);
  const Variable pairs = permute(reshape(masks, {items, steps, outputs, parts(), bins}), {0, 1, 4, 2, 3});
  const Variable parts_of_mixture(spectrum.as_real().reshape({items, steps, bins, 1, 2}));
  return channel_spectra(reshape(multiply(pairs, parts_of_mixture), {items, steps, bins, 2 * outputs}));
}

Variable StftConvTasNet::forward(const Tensor& mixture) const {
  check_dim("conv_tasnet", "mixture", mixture, 2);
  // No gradient reaches the mixture: its spectrum is a constant, as in the authors' code.
  const Tensor spectrum = stft_.forward(config_.remove_mean ? remove_mean(mixture) : mixture);
  const Variable inputs(features(spectrum).cast(precision_.activations));
  return stft_.inverse(masked(mask_logits(inputs), spectrum), mixture.size(1));
}

std::map<std::string, std::string> StftConvTasNet::metadata() const {
  std::map<std::string, std::string> result{{"architecture", architecture}};
  ConvTasNetConfig config = config_;
  write_metadata(fields(config), result);
  return result;
}

}  // namespace sunder
