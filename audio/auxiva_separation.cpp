#include "audio/auxiva_separation.h"

#include <cmath>
#include <span>

#include "audio/auxiva.h"
#include "audio/silence.h"
#include "tensor/error.h"
#include "tensor/ops/cast.h"
#include "tensor/ops/istft.h"
#include "tensor/ops/stft.h"

namespace sunder {
namespace {

constexpr int64_t smallest_window = 64;  // samples
constexpr int64_t hops = 4;              // in a window
constexpr int64_t frames_per_microphone = 2;

void check_recording(const Tensor& recording, int64_t sources) {
  check_dim("auxiva_sources", "recording", recording, 2);
  if (recording.dtype() != DType::float32 || recording.device().is_cuda())
    throw_error("[auxiva_sources] expected a float32 recording on the CPU, got {}", describe(recording));
  const int64_t microphones = recording.size(0), samples = recording.size(1);
  if (sources < 1 || microphones < 2 || microphones < sources)
    throw_error("AuxIVA: expected at least {} microphones for {} sources, got {}", std::max<int64_t>(sources, 2),
                sources, microphones);
  for (int64_t m = 0; m < microphones; ++m)
    if (is_silent(std::span(recording.data<float>() + m * samples, static_cast<size_t>(samples))))
      throw_error("AuxIVA: expected a signal at every microphone, got digital silence at microphone {} of {}", m + 1,
                  microphones);
}

}  // namespace

int64_t auxiva_window(int64_t microphones, int64_t samples, int sample_rate, const AuxIvaSeparation& options) {
  const double exponent = std::round(std::log2(options.window_seconds * sample_rate));
  int64_t window = int64_t{1} << static_cast<int>(std::clamp(exponent, std::log2(smallest_window), 20.0));
  while (window >= smallest_window && hops * samples < (frames_per_microphone * microphones - 1) * window) window /= 2;
  return window >= smallest_window ? window : 0;
}

Tensor auxiva_sources(const Tensor& recording, int sample_rate, const AuxIvaSeparation& options) {
  check_recording(recording, options.sources);
  const int64_t microphones = recording.size(0), samples = recording.size(1);
  const int64_t n_fft = auxiva_window(microphones, samples, sample_rate, options);
  if (n_fft == 0)
    throw_error("AuxIVA: expected at least {} samples of {} microphones, got {}",
                ((frames_per_microphone * microphones - 1) * smallest_window + hops - 1) / hops, microphones, samples);
  const Tensor window = make_window("hann", n_fft, DType::float64);
  const Tensor spectra = stft(recording.cast(DType::float64), window, n_fft / hops);
  const Tensor sources = auxiva(spectra, {.sources = options.sources, .iterations = options.iterations});
  return istft(sources, window, n_fft / hops, samples).cast(DType::float32);
}

}  // namespace sunder
