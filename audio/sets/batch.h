// Segments of a set's items as tensors.
#pragma once

#include "audio/sets/mixture_set.h"
#include "tensor/tensor.h"

namespace sunder {

// Which items of a whole batch a process computes: `count` from `first` on, of `of`.
struct BatchShare {
  int64_t first = 0, count = 0, of = 0;
};

struct Batch {
  Tensor mixtures;               // (B, L); (B, M, L) of items with several channels
  Tensor references;             // (B, S, L); undefined unless the method reads clean sources
  Tensor close_talk;             // (B, S, L); undefined unless the set was opened with close-talk microphones
  Tensor virtual_microphones{};  // (B, V, L); undefined unless the set was opened with virtual ones
  bool has_noise = false;        // the mixtures hold noise that is none of the sources
  // Of several processes: the tensors hold this one's items, or all where sources are mixed across them. All of one
  // process's where nothing is said.
  BatchShare of_whole{};

  BatchShare share() const { return of_whole.of > 0 ? of_whole : BatchShare{0, mixtures.size(0), mixtures.size(0)}; }
};

struct Segment {
  Mixture item;
  int64_t start = 0;    // samples
  bool active = false;  // by the rule "active": whether every signal has its share
};

// Segments of `length` samples on the CPU; an item that ends earlier is padded with zeros. All items come from one set.
Batch make_batch(const std::vector<Segment>& segments, int64_t length, bool with_references, DType dtype);

// Where segments start, at random: "whole-second" (the authors' code), at "any" sample, or where all speakers are
// "active".
struct Crop {
  std::string rule = "whole-second";
  double active = 0.3;  // share of its own mean power that each signal has in an active segment
};
inline constexpr int active_trials = 16;

// The signals that the rule "active" judges by: the sources if a method reads them, else the close-talk or virtual
// microphones; undefined where there are none.
const Tensor& judged_signals(const Mixture& item, bool with_references);
// Start of a segment, in samples: uniform over the whole seconds that fit, 0 ... floor(length / rate) - ceil(segment /
// rate), or over all samples for any other rule.
int64_t segment_start(int64_t item_length, int64_t segment_length, int sample_rate, const Crop& crop, uint64_t seed,
                      int64_t epoch, int64_t item);
// The segment of an item. The rule "active" takes the first of active_trials starts, each uniform over all samples, at
// which every one of the `judged` signals (S, L) has at least its share, else that whose weakest signal has most; a
// silent signal is passed over. The first trial is segment_start's, and the only one where `judged` is undefined.
Segment cut_segment(Mixture item, const Tensor& judged, int64_t length, const Crop& crop, uint64_t seed, int64_t epoch,
                    int64_t index);

}  // namespace sunder
