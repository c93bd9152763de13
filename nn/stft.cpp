#include "nn/stft.h"

#include "autograd/ops.h"
#include "tensor/ops/istft.h"
#include "tensor/ops/stft.h"

namespace sunder {
namespace {

// The last samples are covered by the fewest frames. Tries a length that one more sample would give another frame: the
// samples of shorter signals with the same frames are among those of this one.
void check_reconstruction(const StftConfig& config) {
  const Tensor window = make_window(config.window, config.n_fft, DType::float64);
  const int64_t frames = 2 * (config.n_fft / config.hop_length + 2);
  const int64_t length = frames * config.hop_length - 1 + config.n_fft % 2;
  try {
    istft_overlap(window, config.hop_length, stft_frames(length, config.n_fft, config.hop_length), length);
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
