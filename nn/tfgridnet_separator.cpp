#include "nn/tfgridnet_separator.h"

#include "autograd/ops.h"
#include "tensor/ops/binary.h"
#include "tensor/ops/fcp_weight.h"
#include "tensor/ops/item_std.h"
#include "tensor/ops/permute.h"
#include "tensor/ops/slice_axis.h"

namespace sunder {
namespace {

FarFieldConfig with_bins(FarFieldConfig config) {
  config.network.n_freqs = config.stft.n_fft / 2 + 1;
  return config;
}

// (B, M, T, F) complex -> (B, T, F, 2 M): all real parts, then all imaginary ones.
Tensor channels_of(const Tensor& spectra) {
  const int64_t channels = 2 * spectra.size(1);
  return permute(spectra.as_real(), {0, 2, 3, 4, 1})
      .reshape({spectra.size(0), spectra.size(2), spectra.size(3), channels});
}

}  // namespace

FarFieldSeparator::FarFieldSeparator(const FarFieldConfig& config, Precision precision, Stream stream, uint64_t seed)
    : config_(with_bins(config)),
      stft_(config.stft, precision.signals, stream),
      network_(config_.network, precision, stream, seed),
      failures_(Tensor::zeros({1}, DType::int64, stream)) {}

FarFieldSeparator::Heard FarFieldSeparator::hear(const Tensor& mixtures) const {
  const Tensor rows =
      mixtures.dim() == 2 && microphones() == 1 ? mixtures.reshape({mixtures.size(0), 1, -1}) : mixtures;
  check_shape("far_field", "mixtures", rows, {-1, microphones(), -1});
  const Tensor scale = item_std(rows).reshape({-1, 1, 1});
  return {stft_.forward(divide(rows, scale)), scale};
}

Variable FarFieldSeparator::estimates(const Tensor& spectra) const {
  return channel_spectra(network_.forward(Variable(channels_of(spectra))));
}

Variable FarFieldSeparator::images(const Variable& estimates, const Tensor& spectra) const {
  if (config_.output == FarFieldOutput::image) return estimates;
  const Variable filtered =
      fcp(estimates, slice_axis(spectra, 1, 0, 1), fcp_weight(spectra, 1, config_.fcp_xi), config_.fcp);
  return reshape(filtered, estimates.shape());
}

Variable FarFieldSeparator::forward(const Tensor& mixtures) const {
  const Heard heard = hear(mixtures);
  const Variable signals = stft_.inverse(images(estimates(heard.spectra), heard.spectra), mixtures.size(-1));
  return multiply(signals, Variable(heard.scale));
}

std::map<std::string, std::string> FarFieldSeparator::metadata() const {
  const TfGridNetConfig& n = config_.network;
  std::map<std::string, std::string> result = {
      {"architecture", "tf-gridnet"},
      {"window", config_.stft.window},
      {"output", config_.output == FarFieldOutput::image ? "image" : "source"},
      {"fcp_xi", fmt::format("{}", config_.fcp_xi)},
      {"fcp_loading", fmt::format("{}", config_.fcp.loading)},
  };
  const std::pair<const char*, int64_t> sizes[] = {{"sources", n.sources},
                                                   {"microphones", n.microphones},
                                                   {"n_fft", config_.stft.n_fft},
                                                   {"hop_length", config_.stft.hop_length},
                                                   {"emb_dim", n.emb_dim},
                                                   {"num_blocks", n.blocks},
                                                   {"emb_ks", n.emb_ks},
                                                   {"emb_hs", n.emb_hs},
                                                   {"lstm_hidden", n.hidden},
                                                   {"heads", n.heads},
                                                   {"qk_channels", n.qk_channels()},
                                                   {"fcp_past", config_.fcp.past},
                                                   {"fcp_future", config_.fcp.future}};
  for (const auto& [key, value] : sizes) result[key] = std::to_string(value);
  return result;
}

}  // namespace sunder
