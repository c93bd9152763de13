#include "tensor/ops/istft.h"

#include <cmath>

#include "tensor/cuda/fft.h"
#include "tensor/cuda/framing.cuh"

// Forward: a copy of the spectra that cuFFT may destroy, transformed in place, then one gather per sample: no atomics.
// Floor: the spectra read, written, transformed (read and written) and read again; the signal written once.
namespace sunder::cuda {
namespace {

// The overlap-added squared windows. Where the CPU throws, the result here is NaN: reading the window would make the
// host wait for the device.
template <class T>
__device__ T checked(T overlap) {
  return overlap > T(istft_min_overlap) ? overlap : T(NAN);
}

template <class T>
__global__ void istft_forward_kernel(Framing framing, const T* window, const T* rows, int64_t length, int64_t blocks,
                                     T* signals) {
  const int64_t signal = blockIdx.x / blocks, begin = (blockIdx.x - signal * blocks) * samples_per_block;
  const T* frames = rows + signal * framing.frames * framing.row_length();
  for (int64_t k = threadIdx.x; k < samples_per_block; k += block_size) {
    const int64_t i = begin + k;
    if (i >= length) return;
    T sum = 0, overlap = 0;
    for_frames_at(framing, framing.n_fft / 2 + i, [&](int64_t t, int64_t n) {
      sum += window[n] * frames[t * framing.row_length() + n];
      overlap += window[n] * window[n];
    });
    signals[signal * length + i] = sum / (checked(overlap) * static_cast<T>(framing.n_fft));
  }
}

// dsignal over the overlap, zero outside of the signal.
template <class T>
struct Weighted {
  Framing framing;
  const T* window;
  const T* grad_signal;
  int64_t length;

  __device__ T operator()(int64_t row, int64_t position) const {
    const int64_t i = position - framing.n_fft / 2;
    if (i < 0 || i >= length) return 0;
    T overlap = 0;
    for_frames_at(framing, position, [&](int64_t, int64_t n) { overlap += window[n] * window[n]; });
    return grad_signal[row * length + i] / checked(overlap);
  }
};

// Halves the real bins (0 and n_fft / 2), one thread per row: the frames were scaled for the others, which count twice.
template <class T>
__global__ void halve_real_bins_kernel(T* spectra, int64_t count, int64_t n_fft) {
  const int64_t row_length = 2 * (n_fft / 2 + 1);
  SUNDER_GRID_STRIDE(row, count) {
    spectra[row * row_length] *= T(0.5);
    if (n_fft % 2 == 0) spectra[row * row_length + n_fft] *= T(0.5);
  }
}

}  // namespace
}  // namespace sunder::cuda

namespace sunder {

void cuda::istft_forward(const Tensor& spectrum, const Tensor& window, int64_t hop_length, Tensor& signal) {
  const Framing framing = Framing::of(spectrum, window, hop_length);
  const int64_t length = signal.size(-1), blocks = ceil_div(length, samples_per_block);
  if (signal.numel() == 0) return;
  const Tensor rows = Tensor::empty_like(spectrum);
  visit_real("istft", signal.dtype(), [&]<class T>() {
    T* copy = reinterpret_cast<T*>(rows.raw());
    launch(copy_spectra_kernel<T>, frame_blocks(framing.rows()), frame_threads(), 0, rows.stream(),
           reinterpret_cast<const T*>(spectrum.raw()), framing.rows(), framing.n_fft, T(1), copy);
    fft_inverse(rows, framing.n_fft);
    launch(istft_forward_kernel<T>, dim3(blocks_for(framing.signals * blocks, 1)), dim3(block_size), 0, rows.stream(),
           framing, window.data<T>(), copy, length, blocks, signal.mutable_data<T>());
  });
}

void cuda::istft_backward(const Tensor& grad_signal, const Tensor& window, int64_t hop_length, Tensor& grad_spectrum) {
  const Framing framing = Framing::of(grad_spectrum, window, hop_length);
  if (framing.rows() == 0) return;
  visit_real("istft", grad_signal.dtype(), [&]<class T>() {
    T* rows = reinterpret_cast<T*>(grad_spectrum.raw());
    const Weighted<T> read{framing, window.data<T>(), grad_signal.data<T>(), grad_signal.size(-1)};
    launch(frame_kernel<T, Weighted<T>>, frame_blocks(framing.rows()), frame_threads(), 0, grad_signal.stream(),
           framing, window.data<T>(), T(2) / static_cast<T>(framing.n_fft), read, rows);
    fft_forward(grad_spectrum, framing.n_fft);
    launch(halve_real_bins_kernel<T>, grid_for(framing.rows()), dim3(block_size), 0, grad_signal.stream(), rows,
           framing.rows(), framing.n_fft);
  });
}

}  // namespace sunder
