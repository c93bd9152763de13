#include "nn/stft_conv_tasnet.h"

#include <cmath>

#include "autograd/ops.h"
#include "nn/mixture_consistency.h"
#include "nn/remove_mean.h"
#include "tensor/ops/binary.h"
#include "tensor/ops/magnitude.h"
#include "tensor/ops/permute.h"
#include "tensor/ops/stft.h"

namespace sunder {
namespace {

void check(StftConvTasNetConfig c) {
  check_ranges(fields(c), StftConvTasNet::architecture);
  if (c.n_fft < c.hop_length)
    throw_error<UsageError>("stft-conv-tasnet: n_fft: expected at least the hop length {}, got {}", c.hop_length,
                            c.n_fft);
  if (c.features != "magnitude" && c.masks == "shares")
    throw_error<UsageError>("stft-conv-tasnet: masks: expected sigmoid or relu for features {}, got shares",
                            c.features);
}

}  // namespace

Fields fields(StftConvTasNetConfig& c) {
  return Fields{number("sources", &c.sources, 1, 64, "sources in a mixture")} + frame_fields(&c.n_fft, &c.hop_length) +
         block_fields(c) + window_fields(&c.window, &c.window_scale, &c.stft_padding) +
         Fields{
             flag("remove_mean", &c.remove_mean, "subtract a mixture's mean before its STFT"),
             text("features", &c.features, "what the network sees of a bin", {"magnitude", "real_imag"}),
             text("masks", &c.masks, "shares (add up to one), or each output's own", {"shares", "sigmoid", "relu"})} +
         consistency_fields(&c.mixture_consistency);
}

void read_model_file(StftConvTasNetConfig& config, const SafeTensors& file, const std::string& source) {
  const MaskGeneratorSizes sizes =
      read_mask_generator(file, source, "an stft-conv-tasnet", StftConvTasNetConfig{}.num_layers);
  const auto features = file.metadata.find("features");
  const int64_t parts = features != file.metadata.end() && features->second == "real_imag" ? 2 : 1;
  const int64_t bins = sizes.inputs / parts;
  config.n_fft = 2 * (bins - 1);
  config.sources = bins > 0 ? sizes.outputs / (parts * bins) : 0;
  config.num_feats = sizes.num_feats;
  config.num_hidden = sizes.num_hidden;
  config.kernel_size = sizes.kernel_size;
  read_metadata(fields(config), file.metadata, source);
  config.num_layers = sizes.num_layers;
  config.num_stacks = sizes.num_stacks;
  if (!file.metadata.contains("hop_length")) config.hop_length = std::max<int64_t>(1, config.n_fft / 4);
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

StftConvTasNet::StftConvTasNet(const StftConvTasNetConfig& config, Precision precision, Stream stream,
                               const Initialisation& initialisation)
    : config_((check(config), config)),
      precision_(precision),
      stft_({config.n_fft, config.hop_length, config.window, config.window_scale, config.stft_padding},
            precision.signals, stream) {
  const int64_t bins = parts() * (config.n_fft / 2 + 1);
  if (parts() == 2)
    part_weights_ = Tensor::from(orthonormal_weights(config.n_fft), {bins}).cast(precision.signals).to(stream);
  masks_.declare({bins, config.sources * bins, config.num_feats, config.num_hidden, config.kernel_size,
                  config.num_layers, config.num_stacks},
                 architecture, parameters_);
  parameters_.allocate(precision.signals, stream, initialisation);
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
  const Tensor heard = config_.remove_mean ? remove_mean(mixture) : mixture;
  const Tensor spectrum = stft_.forward(heard);
  const Variable inputs(features(spectrum).cast(precision_.activations));
  const Variable estimates = stft_.inverse(masked(mask_logits(inputs), spectrum), mixture.size(1));
  return config_.mixture_consistency ? mixture_consistent(estimates, heard) : estimates;
}

std::map<std::string, std::string> StftConvTasNet::metadata() const {
  std::map<std::string, std::string> result{{"architecture", architecture}};
  StftConvTasNetConfig config = config_;
  write_metadata(fields(config), result);
  return result;
}

}  // namespace sunder
