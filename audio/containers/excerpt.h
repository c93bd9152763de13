// Parts of compressed files that libsndfile cannot seek in.
#pragma once

#include <cstdint>
#include <optional>

#include "audio/containers/container.h"

namespace sunder {

// A stream that decodes to the frames that are wanted, and more before and behind them.
struct Excerpt {
  SoundStream stream;
  int64_t before_end = 0;  // the first wanted frame is that many before the end of what the stream decodes to
};

// Of a checked OGG (Vorbis) or MP3 stream of `length` frames: frames `begin` to `end` - 1, the same samples as in the
// whole. Nothing where the file's numbers do not allow it; then the stream has to be decoded from its beginning.
std::optional<Excerpt> find_excerpt(const InputFile& file, const SoundStream& stream, int64_t length, int64_t begin,
                                    int64_t end);

}  // namespace sunder
