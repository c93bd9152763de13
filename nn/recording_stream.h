// A separator applied to a recording of any sample rate, block by block.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "audio/resample.h"
#include "nn/separation_stream.h"

namespace sunder {

// By how much both conversions of sample rates delay a stream at most, in samples at the lower rate. soxr filters
// blocks: up to 1,375 were measured for one conversion, of 14 pairs of rates (libsoxr 0.1.3).
inline constexpr int64_t conversion_delay = 3000;

// Converts what is pushed to the network's rate, separates it (nn/separation_stream.h), and converts the estimates
// back: as many samples as were pushed. In blocks of any size the samples are the same.
class RecordingStream {
 public:
  // `network_rate`, `rate`: Hz; `chunks`: at the network's rate; seams are given in samples at the recording's.
  // `network` must outlive this. Throws Error as SeparationStream does, and for rates that are not positive.
  RecordingStream(const Separator& network, int network_rate, int rate, const Chunks& chunks,
                  std::function<void(const Seam&)> on_seam = {});

  // Called with what comes and leaves at the network's rate: the next samples of the first microphone and those of each
  // estimate that are known by now, perhaps none. For pictures. Before the first push.
  using Watch = std::function<void(std::span<const float> mixture, const std::vector<std::vector<float>>& estimates)>;
  void watch(Watch watch) { watch_ = std::move(watch); }

  void push(std::span<const float* const> microphones, int64_t samples);
  void finish();

  int64_t available() const;
  int64_t pull(std::span<float* const> sources, int64_t samples);
  // Samples by which those that can be pulled lag behind those that were pushed, at most: the chunk and what both
  // conversions hold back.
  int64_t delay() const;

 private:
  void separate(bool last);

  const int network_rate_, rate_;
  const int64_t chunk_length_;
  SeparationStream stream_;
  Watch watch_;
  int64_t pushed_ = 0, pulled_ = 0;  // samples
  bool finished_ = false;
  std::vector<Resampler> to_network_, from_network_;   // none for equal rates
  std::vector<std::vector<float>> input_, estimates_;  // of a block, at the network's rate
  std::vector<SampleQueue> output_;                    // not pulled yet
};

}  // namespace sunder
