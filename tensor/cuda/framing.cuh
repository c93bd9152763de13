// Signals to overlapping frames and back on a CUDA device, for the STFT, its inverse and their gradients. Positions
// count in the padded signal, in which frame t starts at t * hop_length. Frames are stored in the memory of their
// spectra and transformed in place (tensor/cuda/fft.h): row r of a (rows, F) complex tensor, 2 F real numbers, holds
// n_fft samples. So the frames, several times the size of the signal, need no memory of their own.
#pragma once

#include "tensor/cuda/kernel.cuh"

namespace sunder::cuda {

struct Framing {
  int64_t signals, frames, n_fft, hop_length;

  // spectra: (..., T, F)
  static Framing of(const Tensor& spectra, const Tensor& window, int64_t hop_length) {
    const int64_t frames = spectra.size(-2), per_signal = frames * spectra.size(-1);
    return {per_signal > 0 ? spectra.numel() / per_signal : 0, frames, window.numel(), hop_length};
  }

  __host__ __device__ int64_t rows() const { return signals * frames; }
  __host__ __device__ int64_t row_length() const { return 2 * (n_fft / 2 + 1); }  // real numbers
};

// A block takes four rows with 64 threads each; a thread handles two neighbouring real numbers or one complex number at
// a time, because rows of an odd F are aligned to no more than that.
inline constexpr int rows_per_block = 4, threads_per_row = 64;
inline dim3 frame_blocks(int64_t rows) { return dim3(blocks_for(rows, rows_per_block)); }
inline dim3 frame_threads() { return dim3(threads_per_row, rows_per_block); }

// rows[r][n] = factor * window[n] * read(signal, position), zero from n_fft on. Reads every sample of the signal from
// memory once (n_fft / hop_length times from the cache) and writes the frames.
template <class T, class Read>
__global__ void frame_kernel(Framing framing, const T* window, T factor, Read read, T* rows) {
  const int64_t row = static_cast<int64_t>(blockIdx.x) * rows_per_block + threadIdx.y;
  if (row >= framing.rows()) return;
  const int64_t signal = row / framing.frames, start = (row - signal * framing.frames) * framing.hop_length;
  for (int64_t n = 2 * threadIdx.x; n < framing.n_fft; n += 2 * threads_per_row) {
    Pack<T, 2> pair;
    pair.at[0] = factor * window[n] * read(signal, start + n);
    pair.at[1] = n + 1 < framing.n_fft ? factor * window[n + 1] * read(signal, start + n + 1) : T(0);
    store<2>(rows + row * framing.row_length() + n, pair);
  }
}

// Copies spectra for the inverse transform, which destroys its input: the imaginary parts of the real bins (0 and n_fft
// / 2) become zero, the other bins are multiplied by `middle`. Reads and writes the spectra once.
template <class T>
__global__ void copy_spectra_kernel(const T* spectra, int64_t count, int64_t n_fft, T middle, T* copy) {
  const int64_t row = static_cast<int64_t>(blockIdx.x) * rows_per_block + threadIdx.y, bins = n_fft / 2 + 1;
  if (row >= count) return;
  for (int64_t k = threadIdx.x; k < bins; k += threads_per_row) {
    Pack<T, 2> z = load<2>(spectra + 2 * (row * bins + k));
    const bool real = k == 0 || 2 * k == n_fft;
    z.at[0] = real ? z.at[0] : middle * z.at[0];
    z.at[1] = real ? T(0) : middle * z.at[1];
    store<2>(copy + 2 * (row * bins + k), z);
  }
}

// Calls visit(t, n) for the frames t whose sample n is at `position`, in ascending order.
template <class Visit>
__device__ __forceinline__ void for_frames_at(const Framing& framing, int64_t position, Visit visit) {
  const int64_t hop = framing.hop_length, newest = position / hop, oldest = newest - (framing.n_fft - 1) / hop;
  const int64_t end = newest + 1 < framing.frames ? newest + 1 : framing.frames;
  for (int64_t t = oldest > 0 ? oldest : 0; t < end; ++t)
    if (const int64_t n = position - t * hop; n < framing.n_fft) visit(t, n);
}

// The threads of an overlap-add write one sample each, four times; neighbouring threads have neighbouring samples.
// rows: the frames of one signal.
inline constexpr int64_t samples_per_block = 4 * block_size;

}  // namespace sunder::cuda
