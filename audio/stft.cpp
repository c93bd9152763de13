#include "audio/stft.h"

#include <cmath>
#include <numbers>

#include "autograd/ops.h"
#include "tensor/ops/istft.h"
#include "tensor/ops/stft.h"

namespace sunder {
namespace {

double window_value(const std::string& name, double turn) {
  const double cosine = std::cos(2 * std::numbers::pi * turn);
  if (name == "hann") return 0.5 - 0.5 * cosine;
  if (name == "sqrt_hann") return std::sqrt(0.5 - 0.5 * cosine);
  if (name == "hamming") return 0.54 - 0.46 * cosine;
  if (name == "rectangular") return 1;
  throw_error<UsageError>("window: expected hann, sqrt_hann, hamming or rectangular, got {}", name);
}

// Signals of every length modulo the hop: the last samples are covered by the fewest frames.
void check_reconstruction(const StftConfig& config) {
  const Tensor window = make_window(config.window, config.n_fft, DType::float64);
  const int64_t shortest = 2 * (config.n_fft + config.hop_length);
  for (int64_t length = shortest; length < shortest + config.hop_length; ++length) {
    try {
      istft_overlap(window, config.hop_length, stft_frames(length, config.n_fft, config.hop_length), length);
    } catch (const Error&) {
      throw_error<UsageError>(
          "hop_length: expected frames from which the signal can be put together again, got {} for a "
          "{} window of {} samples",
          config.hop_length, config.window, config.n_fft);
    }
  }
}

}  // namespace

Tensor make_window(const std::string& name, int64_t n_fft, DType dtype, Stream stream) {
  if (n_fft < 1) throw_error<UsageError>("n_fft: expected at least 1, got {}", n_fft);
  std::vector<double> values(n_fft);
  for (int64_t n = 0; n < n_fft; ++n)
    values[n] = window_value(name, static_cast<double>(n) / static_cast<double>(n_fft));
  return Tensor::from(values, {n_fft}).cast(dtype).to(stream);
}

Stft::Stft(const StftConfig& config, DType dtype, Stream stream)
    : config_(config), window_(make_window(config.window, config.n_fft, dtype, stream)) {
  if (config.hop_length < 1) throw_error<UsageError>("hop_length: expected at least 1, got {}", config.hop_length);
  check_reconstruction(config);
}

int64_t Stft::frames(int64_t length) const { return stft_frames(length, config_.n_fft, config_.hop_length); }

Variable Stft::forward(const Variable& signal) const { return stft(signal, window_, config_.hop_length); }
Tensor Stft::forward(const Tensor& signal) const { return stft(signal, window_, config_.hop_length); }
Variable Stft::inverse(const Variable& spectrum, int64_t length) const {
  return istft(spectrum, window_, config_.hop_length, length);
}
Tensor Stft::inverse(const Tensor& spectrum, int64_t length) const {
  return istft(spectrum, window_, config_.hop_length, length);
}

}  // namespace sunder
