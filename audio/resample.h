// Sample-rate conversion by libsoxr.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sunder {

// Samples of a signal after conversion: ceil(samples * to / from), the count that scipy's resample_poly gives too.
int64_t resampled_length(int64_t samples, int from, int to);

// signal: (L) at `from` Hz -> (resampled_length(L)) at `to` Hz, by libsoxr's "very high quality" (linear phase, pass
// band 0.913 of the lower Nyquist, 28 bits), delay removed. Equal rates return a copy. Throws Error for a rate that is
// not positive.
std::vector<float> resample(std::span<const float> signal, int from, int to);

}  // namespace sunder
