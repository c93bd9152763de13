#include "audio/metrics/third_octaves.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <numbers>

#include "tensor/fft.h"
#include "tensor/simd.h"

namespace sunder {
namespace {

// Taal et al. 2011.
constexpr int64_t frame = 256, hop = 128;             // samples
constexpr int64_t n_fft = 512, bins = n_fft / 2 + 1;  // frames are padded with as many zeros
constexpr double lowest_centre = 150;                 // Hz
constexpr double dynamic_range = 1e-4;                // of power: 40 dB

// The points of Hann's window of 258 between the zeros at its ends, then zeros.
std::vector<double> make_window(int64_t size) {
  std::vector<double> window(size, 0.0);
  for (int64_t i = 0; i < frame; ++i)
    window[i] = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i + 1) / (frame + 1));
  return window;
}

using Edges = std::array<int64_t, third_octave_bands + 1>;

// The first bin of each band, and one past the last band's: edges lie a sixth of an octave from the centre, moved to
// the nearest bin.
Edges band_edges() {
  Edges edges;
  for (size_t j = 0; j < edges.size(); ++j) {
    const double hertz = lowest_centre * std::pow(2, (2 * static_cast<double>(j) - 1) / 6);
    edges[j] = std::llround(hertz * n_fft / third_octave_rate);
  }
  return edges;
}

int64_t frames_of(int64_t length) { return std::max<int64_t>(0, (length - frame + hop - 1) / hop); }

SUNDER_SIMD double windowed_energy(const double* x, const double* window) {
  double energy = 0;
#pragma omp simd reduction(+ : energy)
  for (int64_t i = 0; i < frame; ++i) energy += window[i] * x[i] * window[i] * x[i];
  return energy;
}

SUNDER_SIMD void add_windowed(double* to, const double* x, const double* window) {
#pragma omp simd
  for (int64_t i = 0; i < frame; ++i) to[i] += window[i] * x[i];
}

SUNDER_SIMD double power(const double* parts, int64_t bin_count) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < 2 * bin_count; ++i) sum += parts[i] * parts[i];
  return sum;
}

std::vector<int64_t> speech_starts(std::span<const double> reference, const double* window) {
  std::vector<double> energies(frames_of(static_cast<int64_t>(reference.size())));
  double loudest = 0;
  for (size_t t = 0; t < energies.size(); ++t) {
    energies[t] = windowed_energy(reference.data() + static_cast<int64_t>(t) * hop, window);
    loudest = std::max(loudest, energies[t]);
  }
  std::vector<int64_t> starts;
  for (size_t t = 0; t < energies.size(); ++t)
    if (energies[t] > dynamic_range * loudest) starts.push_back(static_cast<int64_t>(t) * hop);
  return starts;
}

ThirdOctaves third_octaves(std::span<const double> signal, const std::vector<int64_t>& starts) {
  constexpr int64_t together = 64;  // frames in one call, to stay in the cache
  static const Edges edges = band_edges();
  const std::vector<double> window = make_window(n_fft);
  const int64_t length = starts.empty() ? 0 : static_cast<int64_t>(starts.size() - 1) * hop + frame;
  std::vector<double> speech(length + n_fft, 0.0);
  for (size_t t = 0; t < starts.size(); ++t)
    add_windowed(speech.data() + static_cast<int64_t>(t) * hop, signal.data() + starts[t], window.data());

  ThirdOctaves result;
  result.frames = frames_of(length);
  result.values.assign(third_octave_bands * result.stride(), 0.0);
  const auto fft = real_fft<double>(n_fft);
  std::vector<std::complex<double>> spectra(together * bins);
  for (int64_t first = 0; first < result.frames; first += together) {
    const int64_t count = std::min(together, result.frames - first);
    fft->forward(speech.data() + first * hop, hop, count, window.data(), 1, spectra.data());
    for (int64_t t = 0; t < count; ++t) {
      const auto* parts = reinterpret_cast<const double*>(spectra.data() + t * bins);
      for (int64_t j = 0; j < third_octave_bands; ++j)
        result.values[j * result.stride() + first + t] =
            std::sqrt(power(parts + 2 * edges[j], edges[j + 1] - edges[j]));
    }
  }
  return result;
}

}  // namespace

ThirdOctavePair third_octaves_of_speech(std::span<const double> reference, std::span<const double> estimate) {
  const std::vector<int64_t> starts = speech_starts(reference, make_window(frame).data());
  return {third_octaves(reference, starts), third_octaves(estimate, starts)};
}

}  // namespace sunder
