#include "nn/tfgridnet.h"

#include <algorithm>
#include <cmath>

#include "autograd/ops.h"

namespace sunder {
namespace {

constexpr SlidingWindow three_by_three{{3, 1, 1}, {3, 1, 1}};  // the first and the last convolution

void check(TfGridNetConfig c) {
  check_ranges(fields(c), "tf-gridnet");
  if (c.n_freqs < 1) throw_error<UsageError>("tf-gridnet: n_freqs: expected at least 1, got {}", c.n_freqs);
  if (c.emb_ks < c.emb_hs)
    throw_error<UsageError>("tf-gridnet: emb_ks: expected at least emb_hs = {}, got {}", c.emb_hs, c.emb_ks);
  if (c.emb_dim % c.heads != 0)
    throw_error<UsageError>("tf-gridnet: emb_dim: expected a multiple of the {} heads, got {}", c.heads, c.emb_dim);
}

// Zeros before an axis.
int64_t front_padding(const TfGridNetConfig& c) { return c.unfold_padding == "both" ? c.emb_ks - c.emb_hs : 0; }

// Padded size of an axis, so that a kernel of I with stride J covers it, with at least as many zeros after it as before
// it.
int64_t padded_size(int64_t size, const TfGridNetConfig& c) {
  const int64_t covered = std::max<int64_t>(0, size + 2 * front_padding(c) - c.emb_ks);
  return (covered + c.emb_hs - 1) / c.emb_hs * c.emb_hs + c.emb_ks;
}

}  // namespace

Fields fields(TfGridNetConfig& c) {
  return {
      number("sources", &c.sources, 1, 64, "sources in a mixture"),
      number("microphones", &c.microphones, 1, 1024, "far-field microphones (input channels)"),
      number("emb_dim", &c.emb_dim, 1, 1 << 16, "TF-GridNet's D: channels per time-frequency unit"),
      number("num_blocks", &c.num_blocks, 1, 100, "TF-GridNet's B: blocks"),
      number("emb_ks", &c.emb_ks, 1, 1024, "TF-GridNet's I: kernel size of the unfold before each LSTM"),
      number("emb_hs", &c.emb_hs, 1, 1024, "TF-GridNet's J: stride of the unfold"),
      number("lstm_hidden", &c.lstm_hidden, 1, 1 << 16, "TF-GridNet's H: LSTM units per direction"),
      number("heads", &c.heads, 1, 1024, "TF-GridNet's L: attention heads, a divisor of emb_dim"),
      number("qk_channels", &c.qk_channels, 1, 1 << 16, "TF-GridNet's E: query and key channels per unit and head"),
      text("unfold_padding", &c.unfold_padding, "sides of the zeros before the unfold, for I > J", {"both", "behind"})};
}

TfGridNet::TfGridNet(const TfGridNetConfig& config, Precision precision, Stream stream,
                     const Initialisation& initialisation)
    : config_((check(config), config)), precision_(precision) {
  const int64_t dim = config.emb_dim, inputs = 2 * config.microphones, outputs = 2 * config.sources;
  const Init from_inputs = Init::fan_in(9 * inputs);
  parameters_.declare(&conv_weight_, {"conv.0.weight", {dim, inputs, 3, 3}, from_inputs}, {dim, 9 * inputs});
  parameters_.declare(&conv_bias_, {"conv.0.bias", {dim}, from_inputs});
  parameters_.declare(&conv_gain_, {"conv.1.weight", {dim}, Init::constant(1)});
  parameters_.declare(&conv_shift_, {"conv.1.bias", {dim}, Init::constant(0)});
  blocks_.resize(config.num_blocks);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const std::string prefix = "blocks." + std::to_string(i) + ".";
    declare_path(blocks_[i].intra, prefix + "intra_");
    declare_path(blocks_[i].inter, prefix + "inter_");
    const auto declare = [&](Head& head, const std::string& name, int64_t channels) {
      declare_head(head, prefix + "attn_conv_" + name, prefix + "attn_norm_" + name + ".act",
                   prefix + "attn_norm_" + name, config.heads, channels);
    };
    declare(blocks_[i].query, "Q", config.qk_channels);
    declare(blocks_[i].key, "K", config.qk_channels);
    declare(blocks_[i].value, "V", dim / config.heads);
    const std::string last = prefix + "attn_concat_proj.";
    declare_head(blocks_[i].output, last + "0", last + "1", last + "2", 1, dim);
  }
  // As in PyTorch, a transposed convolution's fan-in is taken from its weight's second axis, the outputs.
  const Init to_outputs = Init::fan_in(9 * outputs);
  parameters_.declare(&deconv_weight_, {"deconv.weight", {dim, outputs, 3, 3}, to_outputs}, {dim, 9 * outputs});
  parameters_.declare(&deconv_bias_, {"deconv.bias", {outputs}, to_outputs});
  parameters_.allocate(precision.signals, stream, initialisation);
}

void TfGridNet::declare_path(Path& path, const std::string& prefix) {
  const int64_t dim = config_.emb_dim, width = dim * config_.emb_ks, hidden = config_.lstm_hidden;
  parameters_.declare(&path.gain, {prefix + "norm.weight", {dim}, Init::constant(1)});
  parameters_.declare(&path.bias, {prefix + "norm.bias", {dim}, Init::constant(0)});
  const Init init = Init::fan_in(hidden);  // torch.nn.LSTM: weights and biases alike
  const auto declare = [&](Variable& slot, const std::string& name, Shape shape) {
    Shape both = shape;
    both.insert(both.begin(), 2);
    const std::string full = prefix + "rnn." + name + "_l0";
    parameters_.declare_rows(&slot, {{full, shape, init}, {full + "_reverse", shape, init}}, both);
  };
  declare(path.weight_ih, "weight_ih", {4 * hidden, width});
  declare(path.weight_hh, "weight_hh", {4 * hidden, hidden});
  declare(path.bias_ih, "bias_ih", {4 * hidden});
  declare(path.bias_hh, "bias_hh", {4 * hidden});
  const std::string weight = prefix + "linear.weight", bias = prefix + "linear.bias";
  if (config_.emb_ks == config_.emb_hs) {
    parameters_.declare(&path.linear_weight, {weight, {width, 2 * hidden}, Init::fan_in(2 * hidden)});
    parameters_.declare(&path.linear_bias, {bias, {width}, Init::fan_in(2 * hidden)});
  } else {
    parameters_.declare(&path.linear_weight, {weight, {2 * hidden, dim, config_.emb_ks}, Init::fan_in(width)},
                        {2 * hidden, width});
    parameters_.declare(&path.linear_bias, {bias, {dim}, Init::fan_in(width)});
  }
}

void TfGridNet::declare_head(Head& head, const std::string& linear, const std::string& slope, const std::string& norm,
                             int64_t heads, int64_t channels) {
  const int64_t dim = config_.emb_dim, all = heads * channels, bins = config_.n_freqs;
  const Shape affine = heads == 1 ? Shape{1, channels, 1, bins} : Shape{1, heads, channels, 1, bins};
  parameters_.declare(&head.weight, {linear + ".weight", {all, dim, 1, 1}, Init::fan_in(dim)}, {all, dim});
  parameters_.declare(&head.bias, {linear + ".bias", {all}, Init::fan_in(dim)});
  parameters_.declare(&head.slope, {slope + ".weight", {heads}, Init::constant(0.25)});
  parameters_.declare(&head.gain, {norm + ".gamma", affine, Init::constant(1)}, {heads, channels, bins});
  parameters_.declare(&head.shift, {norm + ".beta", affine, Init::constant(0)}, {heads, channels, bins});
}

Variable TfGridNet::to_activations(const Variable& x) const { return cast(x, precision_.activations); }
Variable TfGridNet::to_signals(const Variable& x) const { return cast(x, precision_.signals); }

// x: (B, T, F, D), padded. Along frequency, each frame is a sequence whose bins are adjacent in memory. Along time,
// each bin is a sequence, and the bins of a frame are adjacent. For I = J the unfold is a reshape along frequency and
// one transposition along time.
Variable TfGridNet::run_path(const Variable& x, const Path& path, bool along_time, const Tensor& matrices) const {
  const int64_t items = x.size(0), steps = x.size(1), bins = x.size(2), dim = x.size(3);
  const int64_t kernel = config_.emb_ks, stride = config_.emb_hs;
  const auto matrix = [&](const Variable& weight) { return parameters_.in_copy(matrices, weight); };
  const auto recurrent = [&](const Variable& rows) {
    return lstm(rows, matrix(path.weight_ih), matrix(path.weight_hh), path.bias_ih, path.bias_hh, precision_.tf32);
  };
  const Variable normed = to_activations(layer_norm(x, path.gain, path.bias, config_.eps));
  if (kernel == stride) {
    const auto run = [&](const Variable& rows) {
      return linear(recurrent(rows), matrix(path.linear_weight), path.linear_bias, precision_.tf32);
    };
    if (!along_time) {
      const Variable y = run(reshape(normed, {items * steps, bins / kernel, kernel * dim}));
      return add(x, to_signals(reshape(y, x.shape())));
    }
    const Variable apart = reshape(normed, {items, steps / kernel, kernel, bins, dim});
    const Variable y = run(reshape(permute(apart, {0, 1, 3, 2, 4}), {items, steps / kernel, bins, kernel * dim}));
    const Variable back = permute(reshape(y, {items, steps / kernel, bins, kernel, dim}), {0, 1, 3, 2, 4});
    return add(x, to_signals(reshape(back, x.shape())));
  }
  const SlidingWindow window =
      along_time ? SlidingWindow{{kernel, stride, 0}, {}} : SlidingWindow{{}, {kernel, stride, 0}};
  const Variable windows = unfold(normed, window);
  Shape shape = windows.shape();
  shape.back() = 2 * config_.lstm_hidden;
  const Variable rows = along_time ? windows : reshape(windows, {items * steps, windows.size(2), windows.size(3)});
  const Variable products =
      matmul(reshape(recurrent(rows), shape), to_activations(path.linear_weight), false, false, precision_.tf32);
  return add(x, add(to_signals(fold(products, steps, bins, window)), path.linear_bias));
}

// (B, T, F, D) -> (B, heads, T, F C)
Variable TfGridNet::project(const Variable& x, const Head& head, const Tensor& matrices) const {
  const Variable y = linear(x, parameters_.in_copy(matrices, head.weight), head.bias, precision_.tf32);
  return head_norm(y, head.slope, head.gain, head.shift, config_.eps);
}

// One vector per frame and head, over all bins. Scores have the signals' dtype: softmax exponentiates their
// differences.
Variable TfGridNet::attention(const Variable& x, const Block& block, const Tensor& matrices) const {
  const int64_t heads = config_.heads, channels = config_.emb_dim / heads;
  const Variable units = to_activations(x);
  const Variable query = project(units, block.query, matrices), key = project(units, block.key, matrices);
  const Variable value = project(units, block.value, matrices);
  const Variable products = to_signals(matmul(query, key, false, true, precision_.tf32));
  const Variable scores = scale(products, 1 / std::sqrt(static_cast<double>(query.size(3))));
  const Variable mixed = matmul(to_activations(softmax(scores)), value, false, false, precision_.tf32);
  const Variable apart = reshape(mixed, {x.size(0), heads, x.size(1), x.size(2), channels});
  const Variable together = reshape(permute(apart, {0, 2, 3, 1, 4}), x.shape());
  return add(x, to_signals(reshape(project(together, block.output, matrices), x.shape())));
}

Variable TfGridNet::forward(const Variable& features) const {
  check_shape("tfgridnet", "features", features.value(), {-1, -1, config_.n_freqs, 2 * config_.microphones});
  const int64_t items = features.size(0), steps = features.size(1), bins = features.size(2), dim = config_.emb_dim;
  // Products read weights in the activations' dtype: one cast for all of them, a no-op where the dtypes agree.
  const Tensor matrices = parameters_.values().cast(precision_.activations);
  const Variable embedded =
      to_signals(linear(to_activations(unfold(features, three_by_three)), parameters_.in_copy(matrices, conv_weight_),
                        conv_bias_, precision_.tf32));
  Variable x = global_norm(reshape(embedded, {items, steps * bins, dim}), conv_gain_, conv_shift_, config_.eps);
  x = reshape(x, {items, steps, bins, dim});
  const int64_t front = front_padding(config_);
  const int64_t behind_t = padded_size(steps, config_) - steps - front;
  const int64_t behind_f = padded_size(bins, config_) - bins - front;
  for (const Block& block : blocks_) {
    Variable y = pad_axis(pad_axis(x, 1, front, behind_t), 2, front, behind_f);
    y = run_path(run_path(y, block.intra, false, matrices), block.inter, true, matrices);
    if (y.size(1) != steps) y = slice_axis(y, 1, front, front + steps);
    if (y.size(2) != bins) y = slice_axis(y, 2, front, front + bins);
    x = attention(y, block, matrices);
  }
  const Variable products = matmul(x, deconv_weight_, false, false, precision_.tf32);
  return add(fold(products, steps, bins, three_by_three), deconv_bias_);
}

}  // namespace sunder
