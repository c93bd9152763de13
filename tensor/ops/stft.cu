#include "tensor/ops/stft.h"

#include "tensor/cuda/fft.h"
#include "tensor/cuda/framing.cuh"

// Forward: one kernel pads, cuts and windows into the spectra's memory, and cuFFT transforms there. Floor: the signal
// once, the frames (n_fft / hop_length times as large) written, read and written.
namespace sunder::cuda {
namespace {

template <class T>
struct Reflected {
  const T* signal;
  int64_t length, pad;

  __device__ T operator()(int64_t row, int64_t position) const {
    int64_t i = position < pad ? pad - position : position - pad;
    if (i >= length) i = 2 * (length - 1) - i;
    return signal[row * length + i];
  }
};

// dsignal[i]: all frames at the sample itself, then those at its reflections.
template <class T>
__global__ void stft_backward_kernel(Framing framing, const T* window, const T* rows, int64_t length, int64_t blocks,
                                     T* grad_signal) {
  const int64_t signal = blockIdx.x / blocks, begin = (blockIdx.x - signal * blocks) * samples_per_block;
  const int64_t pad = framing.n_fft / 2;
  const T* frames = rows + signal * framing.frames * framing.row_length();
  for (int64_t k = threadIdx.x; k < samples_per_block; k += block_size) {
    const int64_t i = begin + k;
    if (i >= length) return;
    const bool left = i >= 1 && i <= pad, right = i <= length - 2 && i >= length - 1 - pad;
    T sum = 0;
#pragma unroll 1  // one body: it is the registers that limit the threads, and few samples take a second turn
    for (int copy = 0; copy < 3; ++copy) {
      if ((copy == 1 && !left) || (copy == 2 && !right)) continue;
      const int64_t position = pad + (copy == 0 ? i : copy == 1 ? -i : 2 * (length - 1) - i);
      for_frames_at(framing, position,
                    [&](int64_t t, int64_t n) { sum += window[n] * frames[t * framing.row_length() + n]; });
    }
    grad_signal[signal * length + i] = sum;
  }
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::stft_forward(const Tensor& signal, const Tensor& window, int64_t hop_length, Tensor& spectrum) {
  const Framing framing = Framing::of(spectrum, window, hop_length);
  if (framing.rows() == 0) return;
  visit_real("stft", signal.dtype(), [&]<class T>() {
    const Reflected<T> read{signal.data<T>(), signal.size(-1), window.numel() / 2};
    launch(frame_kernel<T, Reflected<T>>, frame_blocks(framing.rows()), frame_threads(), 0, signal.stream(), framing,
           window.data<T>(), T(1), read, reinterpret_cast<T*>(spectrum.raw()));
  });
  fft_forward(spectrum, window.numel());
}

// The inverse transform counts the bins between the first and the last twice, the adjoint counts them once.
void cuda::stft_backward(const Tensor& grad_spectrum, const Tensor& window, int64_t hop_length, Tensor& grad_signal) {
  const Framing framing = Framing::of(grad_spectrum, window, hop_length);
  const int64_t length = grad_signal.size(-1), blocks = ceil_div(length, samples_per_block);
  if (framing.rows() == 0) return;
  const Tensor rows = Tensor::empty_like(grad_spectrum);
  visit_real("stft", grad_signal.dtype(), [&]<class T>() {
    T* copy = reinterpret_cast<T*>(rows.raw());
    launch(copy_spectra_kernel<T>, frame_blocks(framing.rows()), frame_threads(), 0, rows.stream(),
           reinterpret_cast<const T*>(grad_spectrum.raw()), framing.rows(), framing.n_fft, T(0.5), copy);
    fft_inverse(rows, framing.n_fft);
    launch(stft_backward_kernel<T>, dim3(blocks_for(framing.signals * blocks, 1)), dim3(block_size), 0, rows.stream(),
           framing, window.data<T>(), copy, length, blocks, grad_signal.mutable_data<T>());
  });
}

}  // namespace sunder
