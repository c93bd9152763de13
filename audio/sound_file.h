// A sound file whose container was checked, decoded from its beginning block by block.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audio/containers/container.h"
#include "audio/decoder.h"
#include "audio/input_file.h"

namespace sunder {

class SoundFile {
 public:
  // Throws as InputFile, check_container and Decoder, and InputError for chained streams of different forms and for a
  // file without samples.
  SoundFile(const std::filesystem::path& path, Depth depth) : SoundFile(InputFile(path), depth) {}
  SoundFile(InputFile file, Depth depth);
  SoundFile(const SoundFile&) = delete;
  SoundFile& operator=(const SoundFile&) = delete;

  std::string name() const { return file_.name(); }
  const InputFile& file() const { return file_; }
  int channels() const { return decoders_[0]->channels(); }
  int sample_rate() const { return decoders_[0]->sample_rate(); }
  // What the headers say, of all streams together; nothing where one does not.
  std::optional<int64_t> frames() const;

  // The next interleaved frames, up to `count` > 0; 0 at the end. Throws InputError where the file ends before its
  // header says, is damaged or holds no samples, and for a sample that is NaN or infinite.
  template <class T>
  int64_t read(T* to, int64_t count);

  // The streams, decoded one after another: several for a chained OGG file. For reading elsewhere than at the
  // beginning.
  const std::vector<std::unique_ptr<Decoder>>& decoders() const { return decoders_; }
  const std::vector<SoundStream>& streams() const { return container_.streams; }

 private:
  InputFile file_;
  Container container_;
  std::vector<std::unique_ptr<Decoder>> decoders_;
  size_t stream_ = 0;                 // of them, the one that is read
  int64_t in_stream_ = 0, read_ = 0;  // frames
};

// A decoder gave fewer frames than it was asked for, `decoded` in all: throws InputError unless it has come to the end
// of a stream that does not say how long it is.
void check_end(const Decoder& decoder, const std::string& name, std::optional<int64_t> expected, int64_t decoded);

// Throws InputError for a sample that is NaN or infinite. `samples`: interleaved frames from frame `begin` on. T is
// float or double.
template <class T>
void check_finite(const std::string& name, const T* samples, int64_t frames, int channels, int64_t begin);

}  // namespace sunder
