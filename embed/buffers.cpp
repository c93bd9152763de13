#include "embed/buffers.h"

#include <cmath>
#include <limits>

#include "embed/status.h"
#include "tensor/error.h"

namespace sunder::embed {
namespace {

constexpr float int16_scale = 32768;

size_t bytes_of(const Layout& layout) { return layout.format == SUNDER_INT16 ? sizeof(int16_t) : sizeof(float); }

// Where channel c begins, and how far its samples are apart.
template <class T>
struct Channel {
  T* first;
  int64_t step;
};

template <class T>
Channel<T> channel(void* samples, int64_t frames, const Layout& layout, int c) {
  if (layout.layout == SUNDER_POINTERS) return {static_cast<T* const*>(samples)[c], 1};
  T* first = static_cast<T*>(samples);
  if (layout.layout == SUNDER_INTERLEAVED) return {first + c, layout.channels};
  return {first + static_cast<int64_t>(c) * frames, 1};
}

int16_t to_int16(float sample, uint64_t& clipped) {
  const float scaled = std::nearbyint(sample * int16_scale);
  if (scaled >= -int16_scale && scaled <= int16_scale - 1) return static_cast<int16_t>(scaled);
  ++clipped;
  return scaled > 0 ? std::numeric_limits<int16_t>::max() : std::numeric_limits<int16_t>::min();
}

void check_alignment(const void* samples, size_t bytes, const char* name) {
  if (reinterpret_cast<uintptr_t>(samples) % bytes != 0)
    bad_argument(fmt::format("{}: expected samples at a multiple of {} bytes, got {}", name, bytes, samples));
}

}  // namespace

Layout checked_layout(const sunder_audio& audio, int64_t expected, const char* name) {
  if (audio.channels != expected)
    bad_argument(fmt::format("{}: expected {} channels, got {}", name, expected, audio.channels));
  if (audio.format != SUNDER_FLOAT32 && audio.format != SUNDER_INT16)
    bad_argument(fmt::format("{}: expected format SUNDER_FLOAT32 or SUNDER_INT16, got {}", name, audio.format));
  if (audio.layout < SUNDER_PLANAR || audio.layout > SUNDER_POINTERS)
    bad_argument(fmt::format("{}: expected a layout of SUNDER_PLANAR, SUNDER_INTERLEAVED and SUNDER_POINTERS, got {}",
                             name, audio.layout));
  if (audio.memory != SUNDER_HOST && audio.memory != SUNDER_DEVICE)
    bad_argument(fmt::format("{}: expected memory SUNDER_HOST or SUNDER_DEVICE, got {}", name, audio.memory));
  return {audio.channels, audio.format, audio.layout};
}

void check_samples(const void* samples, int64_t frames, const Layout& layout, const char* name) {
  if (frames < 0) bad_argument(fmt::format("{}: expected frames >= 0, got {}", name, frames));
  const auto bytes = static_cast<int64_t>(bytes_of(layout)) * layout.channels;
  if (frames > std::numeric_limits<int64_t>::max() / bytes)
    bad_argument(fmt::format("{}: expected frames that fit in memory, got {}", name, frames));
  if (frames == 0) return;
  if (!samples) bad_argument(fmt::format("{}: expected samples, got NULL", name));
  if (layout.layout != SUNDER_POINTERS) return check_alignment(samples, bytes_of(layout), name);
  check_alignment(samples, sizeof(void*), name);
  for (int c = 0; c < layout.channels; ++c) {
    const void* row = static_cast<const void* const*>(samples)[c];
    if (!row) bad_argument(fmt::format("{}: expected a pointer to channel {}, got NULL", name, c));
    check_alignment(row, bytes_of(layout), name);
  }
}

void read_frames(const void* samples, int64_t frames, const Layout& layout, int64_t begin,
                 std::vector<std::vector<float>>& rows) {
  void* from = const_cast<void*>(samples);
  for (int c = 0; c < layout.channels; ++c) {
    std::vector<float>& row = rows[c];
    const auto count = static_cast<int64_t>(row.size());
    if (layout.format == SUNDER_INT16) {
      const auto [first, step] = channel<const int16_t>(from, frames, layout, c);
      for (int64_t t = 0; t < count; ++t) row[t] = static_cast<float>(first[(begin + t) * step]) / int16_scale;
      continue;
    }
    const auto [first, step] = channel<const float>(from, frames, layout, c);
    for (int64_t t = 0; t < count; ++t) {
      row[t] = first[(begin + t) * step];
      if (!std::isfinite(row[t])) throw_error<InputError>("sample {} of channel {} is not finite", begin + t, c);
    }
  }
}

uint64_t write_frames(void* samples, int64_t frames, const Layout& layout, int64_t begin,
                      const std::vector<std::vector<float>>& rows) {
  uint64_t clipped = 0;
  for (int c = 0; c < layout.channels; ++c) {
    const std::vector<float>& row = rows[c];
    const auto count = static_cast<int64_t>(row.size());
    if (layout.format == SUNDER_INT16) {
      const auto [first, step] = channel<int16_t>(samples, frames, layout, c);
      for (int64_t t = 0; t < count; ++t) first[(begin + t) * step] = to_int16(row[t], clipped);
      continue;
    }
    const auto [first, step] = channel<float>(samples, frames, layout, c);
    for (int64_t t = 0; t < count; ++t) first[(begin + t) * step] = row[t];
  }
  return clipped;
}

}  // namespace sunder::embed
