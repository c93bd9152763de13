#include "nn/tfgridnet_separator.h"

#include "autograd/ops.h"
#include "nn/remove_mean.h"
#include "tensor/ops/binary.h"
#include "tensor/ops/fcp_weight.h"
#include "tensor/ops/item_std.h"
#include "tensor/ops/permute.h"
#include "tensor/ops/pointwise.h"
#include "tensor/ops/relative_spectra.h"
#include "tensor/ops/slice_axis.h"
#include "tensor/ops/stft.h"

namespace sunder {
namespace {

TfGridNetSeparatorConfig with_bins(TfGridNetSeparatorConfig config) {
  config.network.n_freqs = config.stft.n_fft / 2 + 1;
  check_ranges(fields(config) + derived_fields(config), TfGridNetSeparator::architecture);
  if (config.input == "relative" && config.output == "mapping")
    throw_error<UsageError>(
        "tf-gridnet: output: expected mask for relative inputs, which do not hold the phase that a mapping needs, got "
        "mapping");
  return config;
}

// (B, M, T, F) complex -> (B, T, F, 2 M): all real parts, then all imaginary ones.
Tensor channels_of(const Tensor& spectra) {
  const int64_t channels = 2 * spectra.size(1);
  return permute(spectra.as_real(), {0, 2, 3, 4, 1})
      .reshape({spectra.size(0), spectra.size(2), spectra.size(3), channels});
}

}  // namespace

Fields fields(TfGridNetSeparatorConfig& c) {
  Fields result = fields(c.network);
  const Fields of_stft = frame_fields(&c.stft.n_fft, &c.stft.hop_length) +
                         window_fields(&c.stft.window, &c.stft.window_scale, &c.stft.padding);
  result.insert(result.begin() + 1, of_stft.begin(), of_stft.end());  // after the sources
  return result +
         Fields{
             flag("remove_mean", &c.remove_mean, "subtract a mixture's mean before its STFT"),
             text("input", &c.input, "spectra as they are, or relative to the first microphone", {"raw", "relative"}),
             number("input_exponent", &c.input_exponent, 0.01, 1, "power of the levels in a relative input"),
             text("output", &c.output, "spectra, or masks on the first microphone", {"mapping", "mask"}),
             number("mask_offset", &c.mask_offset, -10, 10, "a mask is mask_offset + mask_gain * output"),
             number("mask_gain", &c.mask_gain, 1e-6, 100, "a mask is mask_offset + mask_gain * output")};
}

Fields derived_fields(TfGridNetSeparatorConfig& c) {
  return {
      text("estimate", &c.estimate, "what an estimate is: an image, or a source up to a filter", {"image", "source"}),
      number("fcp_past", &c.fcp.past, 0, fcp_max_taps - 1, "past taps of the FCP filters of the images, frames"),
      number("fcp_future", &c.fcp.future, 0, fcp_max_taps - 1, "future taps of these filters, frames"),
      number("fcp_loading", &c.fcp.loading, 0, 1, "diagonal loading of these filters"),
      number("fcp_xi", &c.fcp_xi, 0, 1, "xi of the FCP weights")};
}

void read_model_file(TfGridNetSeparatorConfig& config, const SafeTensors& file, const std::string& source) {
  const auto shaped = [&](const std::string& name, int dim) -> const Tensor& {
    return named_tensor(file, source, name, dim, "a tf-gridnet");
  };
  const Tensor &first = shaped("conv.0.weight", 4), &last = shaped("deconv.weight", 4);
  const Tensor& input = shaped("blocks.0.intra_rnn.weight_ih_l0", 2);
  const Tensor& recurrent = shaped("blocks.0.intra_rnn.weight_hh_l0", 2);
  const Tensor& query = shaped("blocks.0.attn_norm_Q.gamma", 5);  // (1, heads, E, 1, F)
  TfGridNetConfig& network = config.network;
  network.num_blocks = 0;
  while (file.tensors.contains(fmt::format("blocks.{}.intra_norm.weight", network.num_blocks))) ++network.num_blocks;
  network.emb_dim = std::max<int64_t>(1, first.size(0));
  network.microphones = first.size(1) / 2;
  network.sources = last.size(1) / 2;
  network.lstm_hidden = recurrent.size(1);
  network.heads = query.size(1);
  network.n_freqs = query.size(4);
  network.qk_channels = query.size(2);
  network.emb_ks = input.size(1) / network.emb_dim;
  const auto linear = file.tensors.find("blocks.0.intra_linear.weight");
  const bool reshaped = linear != file.tensors.end() && linear->second.dim() == 2;  // else a transposed convolution
  network.emb_hs = reshaped ? network.emb_ks : 1;
  config.stft.n_fft = std::max<int64_t>(1, 2 * (network.n_freqs - 1));
  config.estimate = "image";
  std::map<std::string, std::string> metadata = file.metadata;
  // Before there were masks, the key "output" held what is "estimate" now.
  if (const auto old = metadata.find("output");
      old != metadata.end() && (old->second == "image" || old->second == "source")) {
    metadata["estimate"] = old->second;
    metadata.erase(old);
  }
  read_metadata(fields(config) + derived_fields(config), metadata, source);
  if (!file.metadata.contains("hop_length")) config.stft.hop_length = std::max<int64_t>(1, config.stft.n_fft / 4);
  if (config.stft.n_fft / 2 + 1 != network.n_freqs)
    throw_error<ModelError>("{}: expected {} bins for n_fft {}, found {}", source, config.stft.n_fft / 2 + 1,
                            config.stft.n_fft, network.n_freqs);
}

TfGridNetSeparator::TfGridNetSeparator(const TfGridNetSeparatorConfig& config, Precision precision, Stream stream,
                                       const Initialisation& initialisation)
    : config_(with_bins(config)),
      stft_(config.stft, precision.signals, stream),
      network_(config_.network, precision, stream, initialisation) {}

SpectralSeparator::NormalizedSpectra TfGridNetSeparator::normalize(const Tensor& mixtures) const {
  const Tensor rows =
      mixtures.dim() == 2 && microphones() == 1 ? mixtures.reshape({mixtures.size(0), 1, -1}) : mixtures;
  check_shape("tfgridnet", "mixtures", rows, {-1, microphones(), -1});
  const Tensor scale = item_std(rows).reshape({-1, 1, 1});
  return {stft_.forward(divide(config_.remove_mean ? remove_mean(rows) : rows, scale)), scale};
}

Variable TfGridNetSeparator::estimates(const Tensor& spectra) const {
  const Tensor features =
      config_.input == "raw" ? channels_of(spectra) : relative_spectra(spectra, config_.input_exponent);
  const Variable outputs = channel_spectra(network_.forward(Variable(features)));
  if (config_.output == "mapping") return outputs;
  const Tensor mixture = slice_axis(spectra, 1, 0, 1);  // (B, 1, T, F)
  return add(multiply(outputs, Variable(scale(mixture, config_.mask_gain))),
             Variable(scale(mixture, config_.mask_offset)));
}

Variable TfGridNetSeparator::images(const Variable& estimates, const Tensor& spectra) const {
  if (config_.estimate == "image") return estimates;
  const Variable filtered =
      fcp(estimates, slice_axis(spectra, 1, 0, 1), fcp_weight(spectra, 1, config_.fcp_xi), config_.fcp);
  return reshape(filtered, estimates.shape());
}

Variable TfGridNetSeparator::forward(const Tensor& mixtures) const {
  const NormalizedSpectra mixed = normalize(mixtures);
  const Variable signals = stft_.inverse(images(estimates(mixed.spectra), mixed.spectra), mixtures.size(-1));
  return multiply(signals, Variable(mixed.scale));
}

std::map<std::string, std::string> TfGridNetSeparator::metadata() const {
  std::map<std::string, std::string> result{{"architecture", architecture}};
  TfGridNetSeparatorConfig config = config_;
  write_metadata(fields(config) + derived_fields(config), result);
  return result;
}

}  // namespace sunder
