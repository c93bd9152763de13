// The caller's samples, as rows of float32 and back.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "embed/sunder.h"

namespace sunder::embed {

// How samples lie in memory.
struct Layout {
  int channels = 1;
  int format = SUNDER_FLOAT32;
  int layout = SUNDER_PLANAR;
};

// That of a sunder_audio, after checking all of it but `samples` and `frames`. `expected`: channels. Ends the call with
// SUNDER_BAD_ARGUMENT naming `name`.
Layout checked_layout(const sunder_audio& audio, int64_t expected, const char* name);
// The same for `samples` and `frames`: pointers that are not null, and no byte beyond what can be addressed.
void check_samples(const void* samples, int64_t frames, const Layout& layout, const char* name);

// Frames begin ... begin + rows.size() - 1 of `frames`. rows: one per channel, all of one length. int16 is divided by
// 32768. Throws InputError for a sample that is not finite.
void read_frames(const void* samples, int64_t frames, const Layout& layout, int64_t begin,
                 std::vector<std::vector<float>>& rows);
// The reverse. int16 rounds to the nearest; returns how many samples were beyond full scale and clipped.
uint64_t write_frames(void* samples, int64_t frames, const Layout& layout, int64_t begin,
                      const std::vector<std::vector<float>>& rows);

}  // namespace sunder::embed
