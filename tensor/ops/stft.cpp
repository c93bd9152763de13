#include "tensor/ops/stft.h"

#include <cmath>
#include <numbers>

#include "tensor/framing.h"

namespace sunder {
namespace {

Framing framing(const Tensor& spectrum, const Tensor& window, int64_t hop_length) {
  const int64_t frames = spectrum.size(-2), bins = spectrum.size(-1);
  return {spectrum.numel() / (frames * bins), frames, window.numel(), hop_length};
}

double window_value(const std::string& name, double turn) {
  const double cosine = std::cos(2 * std::numbers::pi * turn);
  if (name == "hann") return 0.5 - 0.5 * cosine;
  if (name == "sqrt_hann") return std::sqrt(0.5 - 0.5 * cosine);
  if (name == "hamming") return 0.54 - 0.46 * cosine;
  if (name == "rectangular") return 1;
  throw_error<UsageError>("window: expected hann, sqrt_hann, hamming or rectangular, got {}", name);
}

}  // namespace

std::vector<std::string> window_names() { return {"hann", "sqrt_hann", "hamming", "rectangular"}; }

Tensor make_window(const std::string& name, int64_t n_fft, DType dtype, Stream stream) {
  if (n_fft < 1) throw_error<UsageError>("n_fft: expected at least 1, got {}", n_fft);
  std::vector<double> values(n_fft);
  for (int64_t n = 0; n < n_fft; ++n)
    values[n] = window_value(name, static_cast<double>(n) / static_cast<double>(n_fft));
  return Tensor::from(values, {n_fft}).cast(dtype).to(stream);
}

void cpu::stft_forward(const Tensor& signal, const Tensor& window, int64_t hop_length, Tensor& spectrum) {
  const int64_t length = signal.size(-1), pad = window.numel() / 2;
  visit_real("stft", signal.dtype(), [&]<class T>() {
    const auto read = [&](int64_t row, int64_t begin, int64_t end, T* to) {
      const T* from = signal.data<T>() + row * length;
      int64_t i = begin;
      for (; i < std::min(end, pad); ++i) *to++ = from[pad - i];
      const int64_t inside = std::max(i, std::min(end, pad + length));
      std::copy(from + (i - pad), from + (inside - pad), to);
      to += inside - i;
      for (i = inside; i < end; ++i) *to++ = from[2 * (length - 1) - (i - pad)];
    };
    analyse<T>(framing(spectrum, window, hop_length), window.data<T>(), 1, read,
               spectrum.mutable_data<std::complex<T>>());
  });
}

void cpu::stft_backward(const Tensor& grad_spectrum, const Tensor& window, int64_t hop_length, Tensor& grad_signal) {
  const int64_t length = grad_signal.size(-1), pad = window.numel() / 2;
  visit_real("stft", grad_signal.dtype(), [&]<class T>() {
    const Framing frames = framing(grad_spectrum, window, hop_length);
    const int64_t padded = length + 2 * pad;
    const auto write = [&](int64_t row, int64_t, int64_t, const T* sum) {
      T* to = grad_signal.mutable_data<T>() + row * length;
      std::copy(sum + pad, sum + pad + length, to);
      for (int64_t i = 0; i < pad; ++i) {
        to[pad - i] += sum[i];
        to[length - 2 - i] += sum[pad + length + i];
      }
    };
    // The inverse transform counts the bins between the first and the last twice, the adjoint counts them once.
    synthesise<T>(frames, window.data<T>(), T(0.5), grad_spectrum.data<std::complex<T>>(), 0, padded, true, write);
  });
}

namespace {

void check(const Tensor& window, int64_t hop_length, int64_t length) {
  check_dim("stft", "window", window, 1);
  if (window.numel() < 1) throw_error("[stft] expected a window of at least 1 sample, got {}", describe(window));
  if (hop_length < 1) throw_error("[stft] expected a hop length of at least 1, got {}", hop_length);
  if (length <= window.numel() / 2)
    throw_error("[stft] expected a signal of more than {} samples (half a window, to reflect), got {}",
                window.numel() / 2, length);
}

}  // namespace

Tensor stft(const Tensor& signal, const Tensor& window, int64_t hop_length) {
  check_alike("stft", {&signal, &window});
  if (!is_real(signal.dtype()) || signal.dim() < 1)
    throw_error("[stft] expected a signal of shape (..., L) in float32 or float64, got {}", describe(signal));
  check(window, hop_length, signal.size(-1));
  Shape shape = signal.shape();
  shape.back() = stft_frames(shape.back(), window.numel(), hop_length);
  shape.push_back(window.numel() / 2 + 1);
  Tensor spectrum = Tensor::empty(shape, complex_of(signal.dtype()), signal.stream());
  SUNDER_DISPATCH(stft_forward, signal.device())(signal, window, hop_length, spectrum);
  return spectrum;
}

Tensor stft_backward(const Tensor& grad_spectrum, const Tensor& window, int64_t hop_length, int64_t length) {
  check(window, hop_length, length);
  const int64_t frames = stft_frames(length, window.numel(), hop_length), bins = window.numel() / 2 + 1;
  Shape shape = grad_spectrum.shape();
  if (grad_spectrum.dtype() != complex_of(window.dtype()) || grad_spectrum.stream() != window.stream() ||
      shape.size() < 2 || shape.back() != bins || shape[shape.size() - 2] != frames)
    throw_error(
        "[stft_backward] expected grad_spectrum of shape (..., {}, {}) and the window's precision, got {} and {}",
        frames, bins, describe(grad_spectrum), describe(window));
  shape.pop_back();
  shape.back() = length;
  Tensor grad_signal = Tensor::empty(shape, window.dtype(), window.stream());
  SUNDER_DISPATCH(stft_backward, window.device())(grad_spectrum, window, hop_length, grad_signal);
  return grad_signal;
}

}  // namespace sunder
