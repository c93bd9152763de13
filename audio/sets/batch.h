// Segments of a set's items as tensors.
#pragma once

#include "audio/sets/mixture_set.h"
#include "tensor/tensor.h"

namespace sunder {

struct Batch {
  Tensor mixtures;    // (B, L); (B, M, L) of items with several channels
  Tensor references;  // (B, S, L); undefined unless the method reads clean sources
  Tensor close_talk;  // (B, S, L); undefined unless the set was opened with close-talk microphones
};

struct Segment {
  Mixture item;
  int64_t start = 0;  // samples
};

// Segments of `length` samples on the CPU; an item that ends earlier is padded with zeros. All items come from one set.
// A start by `random_starts` trials, uniform over all samples: the first segment in which every one of the signals (S,
// L) has at least `share` of its own mean power, else the trial whose weakest signal has most. A silent signal is
// passed over. The first trial is segment_start's for "any".
struct ActiveStart {
  int64_t start = 0;    // samples
  bool active = false;  // whether every signal has that share
};
inline constexpr int random_starts = 16;
ActiveStart active_start(const Tensor& signals, int64_t segment_length, double share, uint64_t seed, int64_t epoch,
                         int64_t item);
Batch make_batch(const std::vector<Segment>& segments, int64_t length, bool with_references, DType dtype);
// Where the segment of an item starts, in samples: uniform over the whole seconds that fit, 0 ... floor(length / rate)
// - ceil(segment / rate), or over all samples for the crop "any".
int64_t segment_start(int64_t item_length, int64_t segment_length, int sample_rate, const std::string& crop,
                      uint64_t seed, int64_t epoch, int64_t item);

}  // namespace sunder
