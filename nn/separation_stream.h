// A separator applied to signals of any length, block by block: memory and delay depend on the chunk length, not on the
// signal's.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "nn/sample_queue.h"
#include "nn/separator.h"

namespace sunder {

// How a long signal is cut, in samples at the network's rate. Chunks of `length` begin every `length - overlap`
// samples; the last one ends with the signal and is as long where the signal is. A signal of at most `length` samples
// is separated whole.
struct Chunks {
  int64_t length = 240000;
  int64_t overlap = 32000;
};

// Throws Error "[op] ..." unless 0 <= overlap < length.
void check_chunks(const char* op, const Chunks& chunks);

// Where two chunks meet. The order of a network's outputs may change from chunk to chunk: each chunk's outputs are
// matched to those of the chunk before by the largest sum of inner products (the least squared difference) over the
// overlap, then faded in linearly, so that estimates that add up to the mixture still do.
struct Seam {
  int64_t sample = 0;  // where the overlap begins
  // By how much the chosen order is better than the next best: difference of their squared distances, divided by the
  // energy of both chunks in the overlap. 1 where the outputs agree and are orthogonal, 0 where they tell nothing, as
  // in silence.
  double confidence = 0;
};

// The later chunk's weight in sample t of an overlap; the earlier one has the rest.
inline double fade_in(int64_t t, int64_t overlap) {
  return (static_cast<double>(t) + 0.5) / static_cast<double>(overlap);
}

class SeparationStream {
 public:
  // `network` must outlive this. Throws Error unless 0 <= overlap < length.
  SeparationStream(const Separator& network, const Chunks& chunks, std::function<void(const Seam&)> on_seam = {});

  // Takes `samples` samples of each of the network's microphones and separates the chunks that are complete. Throws
  // Error like separate_batch (nn/separation.h), and after finish().
  void push(std::span<const float* const> microphones, int64_t samples);
  // The signal ends here. Then the estimates have exactly its length.
  void finish();

  // Samples of each estimate that can be pulled. Before finish() they lag behind what was pushed by less than
  // `chunks.length`.
  int64_t available() const;
  // Copies the next samples of each source, at most `samples`, and forgets them. Returns how many.
  int64_t pull(std::span<float* const> sources, int64_t samples);

 private:
  void separate_chunk(int64_t start, int64_t length);
  void append(const float* estimates, int64_t start, int64_t length);

  const Separator& network_;
  const Chunks chunks_;
  std::function<void(const Seam&)> on_seam_;
  bool finished_ = false;
  int64_t next_ = 0;         // where the next chunk begins, if it is not the last
  int64_t input_begin_ = 0;  // the sample that input_ begins with
  std::vector<SampleQueue> input_;
  int64_t pulled_ = 0;               // samples
  std::vector<SampleQueue> output_;  // from there to the end of the last chunk
};

}  // namespace sunder
