// Recordings that are read from beginning to end, block by block, so that their length takes no memory: files of all
// kinds (audio/file.h), and streams that come as they are recorded.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "files/file_descriptor.h"

namespace sunder {

class SoundReader {
 public:
  virtual ~SoundReader() = default;
  virtual std::string name() const = 0;
  virtual int channels() const = 0;
  virtual int sample_rate() const = 0;                // Hz
  virtual std::optional<int64_t> frames() const = 0;  // that the header says; nothing where it does not

  // The next interleaved frames, up to `count` > 0; 0 at the end. Waits for the first frame of a stream, not for more.
  // Throws InputError where the sound is cut short, damaged, empty or followed by what does not belong there, and for a
  // sample that is NaN or infinite; Error with the system's reason.
  virtual int64_t read(float* to, int64_t count) = 0;
};

// The same samples and errors as read_audio.
std::unique_ptr<SoundReader> open_sound(const std::filesystem::path& path);

// Interleaved samples without a header, little-endian.
enum class RawCoding { s16le, s24le, s32le, f32le };
struct RawForm {
  RawCoding coding = RawCoding::s16le;
  int sample_rate = 0;  // Hz
  int channels = 0;
};
// Throws Error with `name` for a rate out of bounds (audio/sample_rate.h) and for less than one channel or more than
// 1024.
std::unique_ptr<SoundReader> open_raw_stream(FileDescriptor stream, const std::string& name, const RawForm& form);

// WAV (RIFF, RF64), which is read as it comes; a header without a size means: to the end of the stream. Other kinds are
// copied to a temporary file without a name first, and a regular file is read from its beginning.
std::unique_ptr<SoundReader> open_sound_stream(FileDescriptor stream, const std::string& name);

}  // namespace sunder
