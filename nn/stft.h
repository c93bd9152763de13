// STFT and inverse STFT with one window and hop, as networks and objectives use them (tensor/ops/stft.h, istft.h).
#pragma once

#include <string>

#include "autograd/variable.h"
#include "files/settings.h"

namespace sunder {

struct StftConfig {
  int64_t n_fft = 512;          // samples
  int64_t hop_length = 128;     // samples
  std::string window = "hann";  // of make_window
  // What the window is divided by: nothing ("none"), its sum ("sum"), "sqrt_n_fft" (torch.stft's normalized), or
  // n_fft / (2 sqrt(hop_length)) ("parseval": with a window whose squares add up to a constant, spectra have the
  // energy of the signal). The inverse divides by the squared windows, and so undoes it.
  std::string window_scale = "none";
  // What lies beyond the ends of a signal: its reflection ("reflect"), or "zeros", with frames until one is centred at
  // or behind the last sample.
  std::string padding = "reflect";
};

// The keys n_fft and hop_length of any configuration.
Fields frame_fields(int64_t* n_fft, int64_t* hop_length);
// The keys window, window_scale and stft_padding.
Fields window_fields(std::string* window, std::string* window_scale, std::string* padding);

class Stft {
 public:
  // Throws UsageError for n_fft or hop_length below 1, an unknown window, scale or padding, and a window and hop that
  // do not allow reconstruction.
  explicit Stft(const StftConfig& config = {}, DType dtype = DType::float32, Stream stream = cpu_device);

  const StftConfig& config() const { return config_; }
  const Tensor& window() const { return window_; }
  int64_t bins() const { return config_.n_fft / 2 + 1; }
  int64_t frames(int64_t length) const;                              // of a signal of `length` samples
  int64_t shortest_signal() const { return config_.n_fft / 2 + 1; }  // samples

  // signal: (..., L) -> (..., T, F) complex. Throws Error for a signal below shortest_signal().
  Variable forward(const Variable& signal) const;
  Tensor forward(const Tensor& signal) const;
  // spectrum: (..., T, F) complex -> (..., length). Throws Error for a length that the frames do not cover.
  Variable inverse(const Variable& spectrum, int64_t length) const;
  Tensor inverse(const Tensor& spectrum, int64_t length) const;

 private:
  StftConfig config_;
  Tensor window_;
};

}  // namespace sunder
