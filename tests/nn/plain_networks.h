// Networks of other projects in plain float64 loops over one item, written from the definitions of their layers: what
// imported weights must compute. Tensors carry the names that they have in those projects' checkpoints.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace sunder::plain {

using Weights = std::map<std::string, Tensor>;  // float64, on the CPU

// values[channel][frame][bin]
struct Grid {
  int64_t channels, frames, bins;
  std::vector<double> values;
  Grid(int64_t c, int64_t t, int64_t f) : channels(c), frames(t), bins(f), values(c * t * f) {}
  double& operator()(int64_t c, int64_t t, int64_t f) { return values[(c * frames + t) * bins + f]; }
  double operator()(int64_t c, int64_t t, int64_t f) const { return values[(c * frames + t) * bins + f]; }
  double or_zero(int64_t c, int64_t t, int64_t f) const {
    return t < 0 || t >= frames || f < 0 || f >= bins ? 0 : (*this)(c, t, f);
  }
};

inline const double* at(const Weights& weights, const std::string& name) { return weights.at(name).data<double>(); }
inline double prelu(double x, double slope) { return x > 0 ? x : slope * x; }
inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// x - mean over sqrt(variance + eps), of the values at `index`.
inline void normalize(std::vector<double*> values, double eps) {
  double mean = 0, variance = 0;
  for (const double* value : values) mean += *value / static_cast<double>(values.size());
  for (const double* value : values) variance += (*value - mean) * (*value - mean) / static_cast<double>(values.size());
  for (double* value : values) *value = (*value - mean) / std::sqrt(variance + eps);
}

// (channels, frames, bins) -> 3x3 convolution with zero padding, or its transpose (weight: in, out, 3, 3).
inline Grid conv3x3(const Grid& x, const Tensor& weight, const double* bias, bool transposed) {
  const int64_t outputs = weight.size(transposed ? 1 : 0);
  const double* w = weight.data<double>();
  Grid y(outputs, x.frames, x.bins);
  for (int64_t o = 0; o < outputs; ++o)
    for (int64_t t = 0; t < x.frames; ++t)
      for (int64_t f = 0; f < x.bins; ++f) {
        double sum = bias[o];
        for (int64_t c = 0; c < x.channels; ++c)
          for (int64_t i = 0; i < 3; ++i)
            for (int64_t j = 0; j < 3; ++j)
              sum += transposed ? w[((c * outputs + o) * 3 + i) * 3 + j] * x.or_zero(c, t + 1 - i, f + 1 - j)
                                : w[((o * x.channels + c) * 3 + i) * 3 + j] * x.or_zero(c, t + i - 1, f + j - 1);
        y(o, t, f) = sum;
      }
  return y;
}

// One direction of an LSTM. inputs: (steps)(width) -> (steps)(hidden)
inline std::vector<std::vector<double>> lstm(const std::vector<std::vector<double>>& inputs, const Weights& weights,
                                             const std::string& prefix, bool reverse) {
  const std::string end = reverse ? "_l0_reverse" : "_l0";
  const double *w_in = at(weights, prefix + "weight_ih" + end), *w_rec = at(weights, prefix + "weight_hh" + end);
  const double *b_in = at(weights, prefix + "bias_ih" + end), *b_rec = at(weights, prefix + "bias_hh" + end);
  const int64_t hidden = weights.at(prefix + "weight_hh" + end).size(1);
  const auto width = static_cast<int64_t>(inputs[0].size()), steps = static_cast<int64_t>(inputs.size());
  std::vector<double> h(hidden), c(hidden), gates(4 * hidden);
  std::vector<std::vector<double>> result(steps);
  for (int64_t k = 0; k < steps; ++k) {
    const int64_t step = reverse ? steps - 1 - k : k;
    for (int64_t g = 0; g < 4 * hidden; ++g) {
      gates[g] = b_in[g] + b_rec[g];
      for (int64_t i = 0; i < width; ++i) gates[g] += w_in[g * width + i] * inputs[step][i];
      for (int64_t i = 0; i < hidden; ++i) gates[g] += w_rec[g * hidden + i] * h[i];
    }
    for (int64_t i = 0; i < hidden; ++i) {
      c[i] = sigmoid(gates[hidden + i]) * c[i] + sigmoid(gates[i]) * std::tanh(gates[2 * hidden + i]);
      h[i] = sigmoid(gates[3 * hidden + i]) * std::tanh(c[i]);
    }
    result[step] = h;
  }
  return result;
}

// A recurrent path of ESPnet's first TFGridNet, along bins ("intra") or frames ("inter"), with its residual.
inline void recurrent_path(Grid& x, const Weights& weights, const std::string& prefix, bool along_frames,
                           int64_t stride) {
  const Tensor& linear = weights.at(prefix + "linear.weight");  // (2 H, C, kernel)
  const double *w = linear.data<double>(), *bias = at(weights, prefix + "linear.bias");
  const double *gamma = at(weights, prefix + "norm.gamma"), *beta = at(weights, prefix + "norm.beta");
  const int64_t kernel = linear.size(2), outputs = linear.size(0), channels = x.channels;
  Grid normed = x;
  for (int64_t t = 0; t < x.frames; ++t)
    for (int64_t f = 0; f < x.bins; ++f) {
      std::vector<double*> unit;
      for (int64_t c = 0; c < channels; ++c) unit.push_back(&normed(c, t, f));
      normalize(unit, 1e-5);
      for (int64_t c = 0; c < channels; ++c) *unit[c] = *unit[c] * gamma[c] + beta[c];
    }
  const int64_t lines = along_frames ? x.bins : x.frames, size = along_frames ? x.frames : x.bins;
  const auto unit = [&](Grid& grid, int64_t c, int64_t line, int64_t k) -> double& {
    return along_frames ? grid(c, k, line) : grid(c, line, k);
  };
  for (int64_t line = 0; line < lines; ++line) {
    std::vector<std::vector<double>> windows;
    for (int64_t begin = 0; begin + kernel <= size; begin += stride) {
      windows.emplace_back();
      for (int64_t c = 0; c < channels; ++c)
        for (int64_t i = 0; i < kernel; ++i) windows.back().push_back(unit(normed, c, line, begin + i));
    }
    const auto forth = lstm(windows, weights, prefix + "rnn.", false);
    const auto back = lstm(windows, weights, prefix + "rnn.", true);
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t k = 0; k < size; ++k) unit(x, c, line, k) += bias[c];
    for (size_t s = 0; s < windows.size(); ++s)
      for (int64_t h = 0; h < outputs; ++h) {
        const double value = h < outputs / 2 ? forth[s][h] : back[s][h - outputs / 2];
        for (int64_t c = 0; c < channels; ++c)
          for (int64_t i = 0; i < kernel; ++i)
            unit(x, c, line, static_cast<int64_t>(s) * stride + i) += w[(h * channels + c) * kernel + i] * value;
      }
  }
}

// 1x1 convolution, PReLU, and a norm over channels and bins of each frame.
inline Grid projection(const Grid& x, const Weights& weights, const std::string& prefix) {
  const Tensor& weight = weights.at(prefix + "0.weight");
  const double *w = weight.data<double>(), *bias = at(weights, prefix + "0.bias");
  const double *gamma = at(weights, prefix + "2.gamma"), *beta = at(weights, prefix + "2.beta");
  Grid y(weight.size(0), x.frames, x.bins);
  for (int64_t t = 0; t < x.frames; ++t) {
    std::vector<double*> frame;
    for (int64_t o = 0; o < y.channels; ++o)
      for (int64_t f = 0; f < x.bins; ++f) {
        double sum = bias[o];
        for (int64_t c = 0; c < x.channels; ++c) sum += w[o * x.channels + c] * x(c, t, f);
        y(o, t, f) = prelu(sum, at(weights, prefix + "1.weight")[0]);
        frame.push_back(&y(o, t, f));
      }
    normalize(frame, 1e-5);
    for (int64_t i = 0; i < y.channels * x.bins; ++i) *frame[i] = *frame[i] * gamma[i] + beta[i];
  }
  return y;
}

// ESPnet's first TFGridNet from stacked real and imaginary parts to its last convolution. The weights begin with
// `prefix`.
inline Grid grid_net(Grid x, const Weights& weights, const std::string& prefix, int64_t blocks, int64_t heads,
                     int64_t stride) {
  x = conv3x3(x, weights.at(prefix + "conv.0.weight"), at(weights, prefix + "conv.0.bias"), false);
  std::vector<double*> all;
  for (double& value : x.values) all.push_back(&value);
  normalize(all, 1e-5);
  const int64_t units = x.frames * x.bins;
  for (int64_t i = 0; i < x.channels * units; ++i)
    *all[i] =
        *all[i] * at(weights, prefix + "conv.1.weight")[i / units] + at(weights, prefix + "conv.1.bias")[i / units];
  for (int64_t b = 0; b < blocks; ++b) {
    const std::string block = prefix + "blocks." + std::to_string(b) + ".";
    const int64_t kernel = weights.at(block + "intra_linear.weight").size(2);
    const auto padded = [&](int64_t size) { return (size - kernel + stride - 1) / stride * stride + kernel; };
    Grid wide(x.channels, padded(x.frames), padded(x.bins));
    for (int64_t c = 0; c < x.channels; ++c)
      for (int64_t t = 0; t < x.frames; ++t)
        for (int64_t f = 0; f < x.bins; ++f) wide(c, t, f) = x(c, t, f);
    recurrent_path(wide, weights, block + "intra_", false, stride);
    recurrent_path(wide, weights, block + "inter_", true, stride);
    for (int64_t c = 0; c < x.channels; ++c)
      for (int64_t t = 0; t < x.frames; ++t)
        for (int64_t f = 0; f < x.bins; ++f) x(c, t, f) = wide(c, t, f);
    Grid together(x.channels, x.frames, x.bins);
    for (int64_t h = 0; h < heads; ++h) {
      const auto of_head = [&](const std::string& what) {
        return projection(x, weights, block + "attn_conv_" + what + "_" + std::to_string(h) + ".");
      };
      const Grid query = of_head("Q"), key = of_head("K"), value = of_head("V");
      for (int64_t t = 0; t < x.frames; ++t) {
        std::vector<double> scores(x.frames);
        double total = 0;
        for (int64_t s = 0; s < x.frames; ++s) {
          for (int64_t c = 0; c < query.channels; ++c)
            for (int64_t f = 0; f < x.bins; ++f) scores[s] += query(c, t, f) * key(c, s, f);
          scores[s] = std::exp(scores[s] / std::sqrt(static_cast<double>(query.channels * x.bins)));
          total += scores[s];
        }
        for (int64_t s = 0; s < x.frames; ++s)
          for (int64_t c = 0; c < value.channels; ++c)
            for (int64_t f = 0; f < x.bins; ++f)
              together(h * value.channels + c, t, f) += scores[s] / total * value(c, s, f);
      }
    }
    const Grid projected = projection(together, weights, block + "attn_concat_proj.");
    for (size_t i = 0; i < x.values.size(); ++i) x.values[i] += projected.values[i];
  }
  return conv3x3(x, weights.at(prefix + "deconv.weight"), at(weights, prefix + "deconv.bias"), true);
}

// values[channel][frame]
using Rows = std::vector<std::vector<double>>;

inline Rows dense(const Rows& x, const Weights& weights, const std::string& name) {
  const Tensor& weight = weights.at(name + ".weight");
  Rows y(weight.size(0), std::vector<double>(x[0].size()));
  for (size_t o = 0; o < y.size(); ++o)
    for (size_t t = 0; t < x[0].size(); ++t) {
      y[o][t] = at(weights, name + ".bias")[o];
      for (size_t c = 0; c < x.size(); ++c) y[o][t] += weight.data<double>()[o * x.size() + c] * x[c][t];
    }
  return y;
}
inline void global_norm(Rows& x, const Weights& weights, const std::string& name) {
  std::vector<double*> all;
  for (auto& row : x)
    for (double& value : row) all.push_back(&value);
  normalize(all, 1e-8);
  for (size_t c = 0; c < x.size(); ++c)
    for (double& value : x[c]) value = value * at(weights, name + ".gamma")[c] + at(weights, name + ".beta")[c];
}
inline void prelu(Rows& x, const Weights& weights, const std::string& name) {
  for (auto& row : x)
    for (double& value : row) value = prelu(value, at(weights, name + ".weight")[0]);
}

// Asteroid's TDConvNet up to the masks' activation. blocks: in one repeat
inline Rows td_conv_net(Rows x, const Weights& weights, const std::string& prefix, int64_t blocks, int64_t repeats) {
  global_norm(x, weights, prefix + "bottleneck.0");
  x = dense(x, weights, prefix + "bottleneck.1");
  Rows skip;
  for (int64_t b = 0; b < blocks * repeats; ++b) {
    const std::string block = prefix + "TCN." + std::to_string(b) + ".", shared = block + "shared_block.";
    Rows y = dense(x, weights, shared + "0");
    prelu(y, weights, shared + "1");
    global_norm(y, weights, shared + "2");
    const Tensor& kernel = weights.at(shared + "3.weight");
    const int64_t size = kernel.size(2), dilation = int64_t{1} << (b % blocks);
    const auto frames = static_cast<int64_t>(y[0].size());
    Rows z(y.size(), std::vector<double>(frames));
    for (size_t c = 0; c < y.size(); ++c)
      for (int64_t t = 0; t < frames; ++t) {
        z[c][t] = at(weights, shared + "3.bias")[c];
        for (int64_t i = 0; i < size; ++i) {
          const int64_t from = t + (i - size / 2) * dilation;
          if (from >= 0 && from < frames)
            z[c][t] += kernel.data<double>()[static_cast<int64_t>(c) * size + i] * y[c][from];
        }
      }
    prelu(z, weights, shared + "4");
    global_norm(z, weights, shared + "5");
    const Rows residual = dense(z, weights, block + "res_conv"), more = dense(z, weights, block + "skip_conv");
    if (skip.empty()) skip.assign(more.size(), std::vector<double>(frames));
    for (size_t c = 0; c < x.size(); ++c)
      for (int64_t t = 0; t < frames; ++t) x[c][t] += residual[c][t];
    for (size_t c = 0; c < skip.size(); ++c)
      for (int64_t t = 0; t < frames; ++t) skip[c][t] += more[c][t];
  }
  prelu(skip, weights, prefix + "mask_net.0");
  return dense(skip, weights, prefix + "mask_net.1");
}

// Frames of a signal with zeros or its reflection around it; real parts, then imaginary parts: [2 bins][frame].
inline Rows stft(const std::vector<double>& signal, const std::vector<double>& window, int64_t hop, int64_t frames,
                 bool reflect) {
  const auto n_fft = static_cast<int64_t>(window.size()), length = static_cast<int64_t>(signal.size());
  const int64_t bins = n_fft / 2 + 1;
  Rows result(2 * bins, std::vector<double>(frames));
  for (int64_t t = 0; t < frames; ++t)
    for (int64_t n = 0; n < n_fft; ++n) {
      int64_t from = t * hop + n - n_fft / 2;
      if (reflect && from < 0) from = -from;
      if (reflect && from >= length) from = 2 * (length - 1) - from;
      const double sample = from < 0 || from >= length ? 0 : signal[from] * window[n];
      for (int64_t k = 0; k < bins; ++k) {
        const double angle = 2 * M_PI * static_cast<double>(k * n % n_fft) / static_cast<double>(n_fft);
        result[k][t] += sample * std::cos(angle);
        result[bins + k][t] -= sample * std::sin(angle);
      }
    }
  return result;
}

// Its inverse: overlap-added frames over the overlap-added squared window.
inline std::vector<double> istft(const Rows& spectrum, const std::vector<double>& window, int64_t hop, int64_t length) {
  const auto n_fft = static_cast<int64_t>(window.size()), frames = static_cast<int64_t>(spectrum[0].size());
  const int64_t bins = n_fft / 2 + 1;
  std::vector<double> sums(length), weights(length);
  for (int64_t t = 0; t < frames; ++t)
    for (int64_t n = 0; n < n_fft; ++n) {
      const int64_t into = t * hop + n - n_fft / 2;
      if (into < 0 || into >= length) continue;
      double sample = 0;
      for (int64_t k = 0; k < bins; ++k) {
        const bool edge = k == 0 || k == bins - 1;
        const double angle = 2 * M_PI * static_cast<double>(k * n % n_fft) / static_cast<double>(n_fft);
        sample +=
            (edge ? 1 : 2) * (spectrum[k][t] * std::cos(angle) - (edge ? 0 : spectrum[bins + k][t] * std::sin(angle)));
      }
      sums[into] += window[n] * sample / static_cast<double>(n_fft);
      weights[into] += window[n] * window[n];
    }
  for (int64_t i = 0; i < length; ++i) sums[i] /= weights[i];
  return sums;
}

}  // namespace sunder::plain
