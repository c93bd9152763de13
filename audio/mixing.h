// How recordings become a mixture: cut, place, add a floor of noise, standardise, sum. Plain functions on signals.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sunder {

// Which part of a recording is heard and where: samples [begin, begin + length) of the recording, from sample `start`
// of a window on.
struct Placement {
  int64_t begin = 0;
  int64_t length = 0;
  int64_t start = 0;
};

// A recording of `samples` in the middle of a window: a shorter one starts at floor((window - samples) / 2), of a
// longer one the middle is cut in the same way. Source: ertug/MixCycle, src/sc09mix.py.
Placement centred(int64_t samples, int64_t window);

// recording: (N) -> (window), zeros where nothing is placed. What the placement asks for beyond the recording's end
// stays zero. Throws Error for a placement that does not fit into the window.
std::vector<float> place(std::span<const float> recording, const Placement& placement, int64_t window);

// Level of the speech in dB re full scale: mean power of the 20 ms frames (the last one may be short) within 30 dB of
// the loudest frame. -infinity for silence.
double active_level_db(std::span<const float> signal, int sample_rate);

// Adds noise (of at least the window's length and unit power) scaled to a power of `level_db` dB re full scale.
void add_noise(std::span<float> window, double level_db, std::span<const float> noise);

// White Gaussian noise of mean 0 and variance 1: (length), a function of the seed. A mixture set makes one and hears it
// from a random moment on, as drawing 16,000 normal numbers a source took 20 times as long as all the rest of loading.
std::vector<float> noise_tape(int64_t length, uint64_t seed);

// Subtracts the mean, then divides by the standard deviation with divisor L - 1 (as torch.std). Throws InputError
// without a path for fewer than two samples or a standard deviation of zero: a silent source.
void standardise(std::span<float> signal);

// sources: S signals of one length -> their sum. Summed in order, in float.
std::vector<float> mix(const std::vector<std::vector<float>>& sources);

}  // namespace sunder
