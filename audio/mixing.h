// How recordings become a mixture: cut, place, add a noise floor, standardise, sum.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tensor/tensor.h"

namespace sunder {

// Which part of a recording goes where: samples [begin, begin + length) of the recording to sample `start` of a window
// and those after it.
struct Placement {
  int64_t begin = 0;
  int64_t length = 0;
  int64_t start = 0;
};

// A recording of `samples` in the middle of a window: a shorter one starts at floor((window - samples) / 2), a longer
// one is cut in the same way. Source: ertug/MixCycle, src/sc09mix.py.
Placement centred(int64_t samples, int64_t window);

// Fills the window: the placed part of the recording, zeros everywhere else and beyond the recording's end. Throws
// Error for a placement that does not fit into the window.
void place(std::span<const float> recording, const Placement& placement, std::span<float> window);

// Level of the speech in dB re full scale: mean power of the 20 ms frames (the last one may be short) within 30 dB of
// the loudest frame. -infinity for silence.
double active_level_db(std::span<const float> signal, int sample_rate);

// Level of a signal without its mean: its power in dB re full scale (power 1). -infinity for silence and for a
// constant.
double level_db(std::span<const float> signal);
// Below this a signal is as good as silent: the last bit of 16 stands at -90 dB, that of 20 at -114 dB.
inline constexpr double faint_db = -120;

// Adds noise (of at least the window's length and unit power) scaled to a power of `level_db` dB re full scale.
void add_noise(std::span<float> window, double level_db, std::span<const float> noise);

// Adds noise of the mixture's length at `snr_db`: the mean squares of mixture and scaled noise are that far apart.
// Throws InputError for noise below faint_db.
void add_at_snr(std::span<float> mixture, std::span<const float> noise, double snr_db);

// White Gaussian noise of mean 0 and variance 1: (length), a function of the seed. A mixture set draws one tape and
// starts at a random sample of it: new noise for each source took 20 times as long as the rest of loading.
std::vector<float> noise_tape(int64_t length, uint64_t seed);

// Subtracts the mean, then divides by the standard deviation with divisor L - 1 (as torch.std). Throws InputError for
// fewer than two samples and for a standard deviation of zero: a silent source.
void standardise(std::span<float> signal);

// sources: (S, L) float32 -> their sum (L), added in order in float.
Tensor mix(const Tensor& sources);

}  // namespace sunder
