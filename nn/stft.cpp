#include "nn/stft.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "autograd/ops.h"
#include "tensor/ops/istft.h"
#include "tensor/ops/pointwise.h"
#include "tensor/ops/stft.h"

namespace sunder {
namespace {

double window_divisor(const StftConfig& config, const Tensor& window) {
  const auto n_fft = static_cast<double>(config.n_fft);
  if (config.window_scale == "none") return 1;
  if (config.window_scale == "sqrt_n_fft") return std::sqrt(n_fft);
  if (config.window_scale == "parseval") return n_fft / (2 * std::sqrt(static_cast<double>(config.hop_length)));
  if (config.window_scale != "sum")
    throw_error<UsageError>("window_scale: expected none, sum, sqrt_n_fft or parseval, got {}", config.window_scale);
  const double* values = window.data<double>();
  return std::accumulate(values, values + window.numel(), 0.0);
}

Tensor scaled_window(const StftConfig& config) {
  const Tensor window = make_window(config.window, config.n_fft, DType::float64);
  const double divisor = window_divisor(config, window);
  return divisor == 1 ? window : scale(window, 1 / divisor);
}

// The last samples are covered by the fewest frames. Tries a length that one more sample would give another frame: the
// samples of shorter signals with the same frames are among those of this one.
void check_reconstruction(const StftConfig& config) {
  const Tensor window = scaled_window(config);
  // A multiple of a short hop, whose frames are among the hop's: sixteen in a window suffice for every window.
  const int64_t hop = config.hop_length * std::max<int64_t>(1, config.n_fft / (16 * config.hop_length));
  const int64_t frames = 2 * (config.n_fft / hop + 2);
  const int64_t length = frames * hop - 1 + config.n_fft % 2;
  try {
    istft_overlap(window, hop, stft_frames(length, config.n_fft, hop), length);
  } catch (const Error&) {
    throw_error<UsageError>(
        "hop_length: expected a hop that allows reconstruction, got {} for a {} window of {} samples",
        config.hop_length, config.window, config.n_fft);
  }
}

}  // namespace

Fields frame_fields(int64_t* n_fft, int64_t* hop_length) {
  constexpr double most = 1 << 16;  // a second and more at any rate of speech
  return {number("n_fft", n_fft, 2, most, "FFT and frame length in samples"),
          number("hop_length", hop_length, 1, most, "hop between frames in samples")};
}

Fields window_fields(std::string* window, std::string* window_scale, std::string* padding) {
  return {
      text("window", window, "STFT window", window_names()),
      text("window_scale", window_scale,
           "what the window is divided by: none (1), sum (its sum), sqrt_n_fft, parseval (n_fft / 2 sqrt(hop_length))",
           {"none", "sum", "sqrt_n_fft", "parseval"}),
      text("stft_padding", padding, "what lies beyond a signal's ends", {"reflect", "zeros"})};
}

Stft::Stft(const StftConfig& config, DType dtype, Stream stream) : config_(config) {
  if (config.hop_length < 1) throw_error<UsageError>("hop_length: expected at least 1, got {}", config.hop_length);
  if (config.padding != "reflect" && config.padding != "zeros")
    throw_error<UsageError>("stft_padding: expected reflect or zeros, got {}", config.padding);
  window_ = config.window_scale == "none" ? make_window(config.window, config.n_fft, dtype, stream)
                                          : scaled_window(config).cast(dtype).to(stream);
  check_reconstruction(config);
}

int64_t Stft::frames(int64_t length) const {
  if (config_.padding == "reflect") return stft_frames(length, config_.n_fft, config_.hop_length);
  return stft_frames(length + config_.hop_length - 1, config_.n_fft, config_.hop_length);
}

Variable Stft::forward(const Variable& signal) const {
  if (config_.padding == "reflect") return stft(signal, window_, config_.hop_length);
  // So many zeros that the frames which the op's reflection reaches lie outside of those that are kept.
  const int64_t half = config_.n_fft / 2, hop = config_.hop_length, length = signal.size(-1), kept = frames(length);
  const int64_t skipped = (half + hop - 1) / hop;
  const int64_t behind = (kept - 1) * hop + half + config_.n_fft % 2 - length;
  return slice_axis(stft(pad_axis(signal, -1, skipped * hop, behind), window_, hop), -2, skipped, skipped + kept);
}
Tensor Stft::forward(const Tensor& signal) const {
  if (config_.padding == "reflect") return stft(signal, window_, config_.hop_length);
  return forward(Variable(signal)).value();
}
Variable Stft::inverse(const Variable& spectrum, int64_t length) const {
  return istft(spectrum, window_, config_.hop_length, length);
}
Tensor Stft::inverse(const Tensor& spectrum, int64_t length) const {
  return istft(spectrum, window_, config_.hop_length, length);
}

}  // namespace sunder
