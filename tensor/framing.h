// Signals to overlapping frames and back, on the CPU. Positions count in the padded signal, in which frame t starts at
// t * hop_length. Signals are split into pieces that fit the cache; the pieces depend on sizes alone, and every sample
// sums its frames in ascending order.
#pragma once

#include <algorithm>
#include <cstring>

#include "tensor/fft.h"
#include "tensor/parallel.h"
#include "tensor/simd.h"
#include "tensor/tensor.h"

namespace sunder {

inline constexpr int64_t frames_per_piece = 96, frames_at_once = 32, samples_per_chunk = 1 << 14;

struct Framing {
  int64_t signals, frames, n_fft, hop_length;

  // Pieces per task: enough work for a thread.
  int64_t pieces_per_chunk(int64_t pieces) const {
    return std::max<int64_t>(1, samples_per_chunk * pieces / (frames * n_fft));
  }
};

// spectra: (signals, frames, n_fft / 2 + 1), transformed as RealFft::forward says. read(signal, begin, end, to) writes
// the padded signal's samples [begin, end).
template <class T, class Read>
void analyse(const Framing& framing, const T* window, T middle, const Read& read, std::complex<T>* spectra) {
  const auto fft = real_fft<T>(framing.n_fft);
  const int64_t pieces = (framing.frames + frames_per_piece - 1) / frames_per_piece;
  parallel_for(framing.signals * pieces, framing.pieces_per_chunk(pieces), [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t signal = task / pieces, piece = task % pieces;
      const int64_t first = piece * framing.frames / pieces, last = (piece + 1) * framing.frames / pieces;
      const int64_t from = first * framing.hop_length, to = (last - 1) * framing.hop_length + framing.n_fft;
      const Tensor samples = Tensor::empty({to - from}, dtype_of<T>);
      read(signal, from, to, samples.mutable_data<T>());
      fft->forward(samples.data<T>(), framing.hop_length, last - first, window, middle,
                   spectra + (signal * framing.frames + first) * fft->bins());
    }
  });
}

template <class T>
SUNDER_SIMD void add_frame(T* sum, const T* frame, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) sum[i] += frame[i];
}

// Overlap-add of the frames of one signal over samples [begin, end) of the padded signal.
template <class T>
void overlap_add(const Framing& framing, const RealFft<T>& fft, const T* window, T middle,
                 const std::complex<T>* spectra, int64_t begin, int64_t end, T* sum) {
  const int64_t n_fft = framing.n_fft, hop = framing.hop_length;
  std::memset(sum, 0, (end - begin) * sizeof(T));
  const int64_t first = std::max<int64_t>(0, (begin - n_fft + hop) / hop);  // the first that reaches beyond begin
  const int64_t last = std::min(framing.frames, (end - 1) / hop + 1);
  const Tensor scratch = Tensor::empty({frames_at_once, n_fft}, dtype_of<T>);
  T* frames = scratch.mutable_data<T>();
  for (int64_t block = first; block < last; block += frames_at_once) {
    const int64_t count = std::min(frames_at_once, last - block);
    fft.inverse(spectra + block * fft.bins(), count, window, middle, frames);
    for (int64_t t = 0; t < count; ++t) {
      const int64_t start = (block + t) * hop;
      const int64_t from = std::max(start, begin), to = std::min(start + n_fft, end);
      if (from < to) add_frame(sum + (from - begin), frames + t * n_fft + (from - start), to - from);
    }
  }
}

// The inverse: samples [begin, end) of every padded signal from spectra (signals, frames, n_fft / 2 + 1), transformed
// as RealFft::inverse says. write(signal, from, to, sum) gets them in pieces; `whole`: in one.
template <class T, class Write>
void synthesise(const Framing& framing, const T* window, T middle, const std::complex<T>* spectra, int64_t begin,
                int64_t end, bool whole, const Write& write) {
  const auto fft = real_fft<T>(framing.n_fft);
  const int64_t piece_length = frames_per_piece * framing.hop_length;
  const int64_t pieces = whole ? 1 : (end - begin + piece_length - 1) / piece_length;
  parallel_for(framing.signals * pieces, framing.pieces_per_chunk(pieces), [&](int64_t task_begin, int64_t task_end) {
    for (int64_t task = task_begin; task < task_end; ++task) {
      const int64_t signal = task / pieces, piece = task % pieces;
      const int64_t from = begin + piece * (end - begin) / pieces, to = begin + (piece + 1) * (end - begin) / pieces;
      const Tensor sum = Tensor::empty({to - from}, dtype_of<T>);
      overlap_add(framing, *fft, window, middle, spectra + signal * framing.frames * fft->bins(), from, to,
                  sum.mutable_data<T>());
      write(signal, from, to, sum.data<T>());
    }
  });
}

}  // namespace sunder
