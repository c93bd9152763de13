#include "nn/conv_tasnet.h"

#include "autograd/ops.h"
#include "nn/mixture_consistency.h"
#include "nn/remove_mean.h"

namespace sunder {
namespace {

void check(ConvTasNetConfig c) {
  check_ranges(fields(c), ConvTasNet::architecture);
  if (c.filter_length < c.filter_stride)
    throw_error<UsageError>("conv-tasnet: filter_stride: expected at most the filter length {}, got {}",
                            c.filter_length, c.filter_stride);
}

}  // namespace

Fields fields(ConvTasNetConfig& c) {
  constexpr double longest = 1 << 16;  // a second and more at any rate of speech
  return Fields{number("sources", &c.sources, 1, 64, "sources in a mixture"),
                number("num_filters", &c.num_filters, 1, 1 << 20, "learned filters of the encoder and of the decoder"),
                number("filter_length", &c.filter_length, 1, longest, "length of a filter in samples"),
                number("filter_stride", &c.filter_stride, 1, longest, "hop between frames in samples"),
                text("filter_padding", &c.filter_padding,
                     "beyond a signal's ends: zeros (torchaudio) or none (Asteroid)", {"zeros", "none"}),
                text("encoder_activation", &c.encoder_activation, "of the encoder's outputs", {"linear", "relu"}),
                text("mask_activation", &c.mask_activation, "of the masks", {"sigmoid", "relu"})} +
         block_fields(c) +
         Fields{flag("remove_mean", &c.remove_mean, "subtract a mixture's mean before it is encoded")} +
         consistency_fields(&c.mixture_consistency);
}

void read_model_file(ConvTasNetConfig& config, const SafeTensors& file, const std::string& source) {
  const Tensor& encoder = named_tensor(file, source, "encoder.weight", 3, "a conv-tasnet");
  const MaskGeneratorSizes sizes = read_mask_generator(file, source, "a conv-tasnet", ConvTasNetConfig{}.num_layers);
  config.num_filters = encoder.size(0);
  config.filter_length = encoder.size(2);
  config.sources = config.num_filters > 0 ? sizes.outputs / config.num_filters : 0;
  config.num_feats = sizes.num_feats;
  config.num_hidden = sizes.num_hidden;
  config.kernel_size = sizes.kernel_size;
  read_metadata(fields(config), file.metadata, source);
  config.num_layers = sizes.num_layers;
  config.num_stacks = sizes.num_stacks;
  if (!file.metadata.contains("filter_stride")) config.filter_stride = std::max<int64_t>(1, config.filter_length / 2);
}

ConvTasNet::ConvTasNet(const ConvTasNetConfig& config, Precision precision, Stream stream,
                       const Initialisation& initialisation)
    : config_((check(config), config)), precision_(precision) {
  const int64_t filters = config.num_filters, length = config.filter_length;
  // Fan-in as torch.nn.Conv1d and ConvTranspose1d count it: of one input channel, and of one output channel.
  parameters_.declare(&encoder_, {"encoder.weight", {filters, 1, length}, Init::fan_in(length)}, {filters, length});
  masks_.declare({filters, config.sources * filters, config.num_feats, config.num_hidden, config.kernel_size,
                  config.num_layers, config.num_stacks},
                 architecture, parameters_);
  parameters_.declare(&decoder_, {"decoder.weight", {filters, 1, length}, Init::fan_in(length)}, {filters, length});
  parameters_.allocate(precision.signals, stream, initialisation);
}

// A signal is one channel of one step; frames lie along its second axis.
SlidingWindow ConvTasNet::frames() const {
  const int64_t padding = config_.filter_padding == "zeros" ? config_.filter_stride : 0;
  return {.t = {}, .f = {config_.filter_length, config_.filter_stride, padding}};
}

// With zeros behind, up to filter_stride - 1 samples of the first frame may be among these.
int64_t ConvTasNet::shortest_input() const {
  const SlidingWindow::Axis axis = frames().f;
  return std::max<int64_t>(1, axis.kernel - 2 * axis.padding - (axis.padding > 0 ? axis.stride - 1 : 0));
}

Variable ConvTasNet::encoded(const Tensor& signal) const {
  const int64_t items = signal.size(0), length = signal.size(1), window = config_.filter_length;
  const Tensor rows = unfold(signal.reshape({items, 1, length, 1}), frames());
  const Variable features = matmul(Variable(rows.reshape({-1, window})), encoder_, false, true, precision_.tf32);
  const Variable result = reshape(features, {items, rows.size(2), config_.num_filters});
  return config_.encoder_activation == "relu" ? relu(result) : result;
}

Variable ConvTasNet::masked(const Variable& logits, const Variable& encoded) const {
  const int64_t items = encoded.shape()[0], steps = encoded.shape()[1], filters = config_.num_filters;
  const Variable in_signals = reshape(cast(logits, precision_.signals), {items, steps, config_.sources, filters});
  const Variable masks = config_.mask_activation == "relu" ? relu(in_signals) : sigmoid(in_signals);
  return multiply(masks, reshape(encoded, {items, steps, 1, filters}));
}

Variable ConvTasNet::decoded(const Variable& masked, int64_t length) const {
  const int64_t items = masked.shape()[0], steps = masked.shape()[1], sources = config_.sources;
  const int64_t window = config_.filter_length;
  const Variable rows =
      matmul(reshape(masked, {items * steps * sources, config_.num_filters}), decoder_, false, false, precision_.tf32);
  const Variable by_source = permute(reshape(rows, {items, steps, sources, window}), {0, 2, 1, 3});
  return reshape(fold(reshape(by_source, {items * sources, 1, steps, window}), 1, length, frames()),
                 {items, sources, length});
}

// Samples from the first one on that lie in a frame; with zeros behind, the last frame ends where they end.
int64_t ConvTasNet::framed(int64_t length) const {
  const int64_t stride = config_.filter_stride, window = config_.filter_length;
  if (config_.filter_padding == "none") return (length - window) / stride * stride + window;
  return length + ((window - length) % stride + stride) % stride;
}

Variable ConvTasNet::forward(const Tensor& mixture) const {
  check_dim("conv_tasnet", "mixture", mixture, 2);
  const Variable heard(config_.remove_mean ? remove_mean(mixture) : mixture);
  const int64_t length = mixture.size(1), framed_length = framed(length);
  const auto fitted = [](const Variable& x, int axis, int64_t size) {
    return size < x.size(axis) ? slice_axis(x, axis, 0, size) : pad_axis(x, axis, 0, size - x.size(axis));
  };
  const Variable features = encoded(fitted(heard, 1, framed_length).value());
  const Variable logits = masks_.logits(cast(features, precision_.activations), parameters_, precision_);
  const Variable estimates = fitted(decoded(masked(logits, features), framed_length), 2, length);
  return config_.mixture_consistency ? mixture_consistent(estimates, heard.value()) : estimates;
}

std::map<std::string, std::string> ConvTasNet::metadata() const {
  std::map<std::string, std::string> result{{"architecture", architecture}};
  ConvTasNetConfig config = config_;
  write_metadata(fields(config), result);
  return result;
}

}  // namespace sunder
