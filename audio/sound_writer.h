// Recordings that are written from beginning to end, block by block, so that their length takes no memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "audio/file.h"
#include "audio/sound_reader.h"
#include "files/file_descriptor.h"

namespace sunder {

class SoundWriter {
 public:
  virtual ~SoundWriter() = default;
  // The next interleaved frames. Throws Error with the system's reason, and for what are no whole frames.
  virtual void write(std::span<const float> samples) = 0;
  virtual void write(std::span<const double> samples) = 0;
  // All samples are written. Without it, a file is left as it was before.
  virtual void commit() = 0;
  // How many samples so far lie beyond full scale (below -1, or 1 and above) and were limited to it. Floating-point
  // formats limit none.
  virtual int64_t clipped() const = 0;
};

// A WAV file, written completely or not at all (files/atomic_file.h). Its samples are rounded and clipped as by
// write_wav. `frames`: how many will be written; a file that will have more than `largest_riff` bytes is RF64. Where
// that is not known, the header has room to become one of RF64 (EBU Tech 3306: a chunk "JUNK") beyond 4 GiB.
std::unique_ptr<SoundWriter> create_wav(const std::filesystem::path& path, int sample_rate, WavFormat format,
                                        int channels, std::optional<int64_t> frames = {},
                                        uint64_t largest_riff = riff_limit);

// The bytes of the file that create_wav writes of these samples, and how many were limited to full scale. Throws Error
// where there is no memory.
struct WavBytes {
  std::string bytes;
  int64_t clipped = 0;
};
WavBytes wav_in_memory(std::span<const float> samples, int sample_rate, WavFormat format, int channels = 1);

// An open pipe or file, whose samples are written as they come. `name`: for messages. With `header` it is WAV (RIFF)
// whose header gives no size: the samples run to the end of the stream.
std::unique_ptr<SoundWriter> stream_sound(FileDescriptor file, const std::string& name, const RawForm& form,
                                          bool header);

}  // namespace sunder
