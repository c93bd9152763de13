// How recordings that nobody divided become training, validation and test data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "audio/corpora/corpus.h"

namespace sunder {

// With fewer recordings than this each of them is divided by time: a tenth of them would be one or none.
constexpr size_t fewest_to_divide_by_name = 20;

// The split of each of three or more recordings, by the hash percentage of its name: below 10
// valid, below 20 test (without `test`: train), else train. A part that would be empty gets the recording of the lowest
// percentage that no other needs.
std::vector<Split> splits_by_name(const std::vector<std::string>& names, bool test);

struct Stretch {
  int64_t begin = 0, frames = 0;
};

// What of a recording is for a split: the first 80 % for training, 10 % for validation, 10 % for the test; without
// `test` 90 % and 10 %. May have no frames.
Stretch stretch_of(Split split, int64_t frames, bool test);

// A stretch as the fewest stretches of equal length, at most `longest` frames; a rest of less than one frame for each
// is dropped.
std::vector<Stretch> equal_pieces(const Stretch& whole, int64_t longest);

}  // namespace sunder
