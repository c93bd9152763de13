#pragma once

#include <string>
#include <vector>

#include "tensor/dispatch.h"
#include "tensor/tensor.h"

namespace sunder {

// Short-time Fourier transform: centred frames of the signal reflected by n_fft / 2 samples at both ends, one-sided,
// not normalised (torch.stft with center=True, pad_mode="reflect", onesided=True). signal: (..., L); window: (n_fft);
// returns (..., T, F) complex, T = stft_frames, F = n_fft / 2 + 1 (rounded down). float32, float64. n_fft and
// hop_length in samples, at least 1; powers of two from 4 on are fast. Throws Error for L <= n_fft / 2 (nothing to
// reflect), hop_length < 1, an empty window, mixed dtypes or streams.
Tensor stft(const Tensor& signal, const Tensor& window, int64_t hop_length);

// dsignal, of `length` samples, from dspectrum: the adjoint (the reflected samples' gradients are added to those of the
// samples they repeat).
Tensor stft_backward(const Tensor& grad_spectrum, const Tensor& window, int64_t hop_length, int64_t length);

// L / hop_length + 1; for an odd n_fft, whose padding is one sample short of it, (L - 1) / hop_length + 1.
inline int64_t stft_frames(int64_t length, int64_t n_fft, int64_t hop_length) {
  return (length - n_fft % 2) / hop_length + 1;
}

// The windows that make_window knows.
std::vector<std::string> window_names();

// A periodic analysis window of n_fft samples, float64 or float32:
//   "hann"         0.5 - 0.5 cos(2 pi n / n_fft)     (scipy.signal.get_window, fftbins=True)
//   "sqrt_hann"    its square root
//   "hamming"      0.54 - 0.46 cos(2 pi n / n_fft)
//   "rectangular"  1
// Throws UsageError for a name that is none of these or n_fft < 1.
Tensor make_window(const std::string& name, int64_t n_fft, DType dtype, Stream stream = cpu_device);

SUNDER_KERNEL(stft_forward, const Tensor& signal, const Tensor& window, int64_t hop_length, Tensor& spectrum)
SUNDER_KERNEL(stft_backward, const Tensor& grad_spectrum, const Tensor& window, int64_t hop_length, Tensor& grad_signal)

}  // namespace sunder
