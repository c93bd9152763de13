// Blind separation of recordings by AuxIVA, from waveforms to waveforms.
#pragma once

#include "tensor/tensor.h"

namespace sunder {

struct AuxIvaSeparation {
  int64_t sources = 2;
  int64_t iterations = 30;
  // The longest STFT window is the power of two nearest to this at the recording's rate. It should span the
  // reverberation: six microphones in rooms of 0.2 to 0.5 s separate 9 dB with 512 ms and 3.5 dB with 128 ms.
  double window_seconds = 0.512;
};

// The n_fft that auxiva_sources uses: the power of two nearest to the window, or the largest one that gives at least
// two frames for each microphone; 0 for a recording that is too short for the smallest, 64 samples.
int64_t auxiva_window(int64_t microphones, int64_t samples, int sample_rate, const AuxIvaSeparation& options = {});

// The sources as the first microphone hears them, by auxiva (audio/auxiva.h) on spectra with a Hann window and a hop of
// a quarter of it, in float64. recording: (M, L) float32 on the CPU; sample_rate in Hz -> (S, L) float32, the same bits
// with any number of threads. Throws Error for another type or shape, fewer microphones than sources or a single one,
// a microphone that is digital silence, and a recording without an auxiva_window.
Tensor auxiva_sources(const Tensor& recording, int sample_rate, const AuxIvaSeparation& options = {});

}  // namespace sunder
