// Sample-rate conversion by libsoxr.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

struct soxr;

namespace sunder {

// Samples of a signal after conversion: ceil(samples * to / from), the count that scipy's resample_poly gives too.
int64_t resampled_length(int64_t samples, int from, int to);

// Converts one signal block by block, by libsoxr's "very high quality" (linear phase, pass band 0.913 of the lower
// Nyquist, 28 bits), delay removed. The samples do not depend on how the signal is cut into blocks. What it holds does
// not grow with the signal. Equal rates copy.
class Resampler {
 public:
  // Throws Error for a rate that is not positive.
  Resampler(int from, int to);

  // Appends what is known of the output by now, which lags behind. Throws Error after finish().
  void push(std::span<const float> signal, std::vector<float>& output);
  // The signal ends here: appends the rest, so that all outputs together have resampled_length(L) samples.
  void finish(std::vector<float>& output);

 private:
  struct Delete {
    void operator()(soxr* resampler) const;
  };
  void convert(std::span<const float> signal, bool last, std::vector<float>& output);

  int from_, to_;
  bool finished_ = false;
  int64_t taken_ = 0, made_ = 0;             // samples
  std::unique_ptr<soxr, Delete> resampler_;  // none where the rates are equal
};

// The same for a whole signal: (L) at `from` Hz -> (resampled_length(L)) at `to` Hz.
std::vector<float> resample(std::span<const float> signal, int from, int to);

}  // namespace sunder
