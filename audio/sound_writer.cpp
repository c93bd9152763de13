#include "audio/sound_writer.h"

#include <sndfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "audio/encoder.h"
#include "audio/wav_stream.h"
#include "files/atomic_file.h"
#include "files/file_io.h"
#include "files/temporary.h"
#include "tensor/error.h"

namespace sunder {
namespace {

constexpr uint64_t header_bytes = 128;  // more than libsndfile writes around the samples

int coding_of(WavFormat format) {
  if (format == WavFormat::pcm16) return SF_FORMAT_PCM_16;
  return format == WavFormat::float32 ? SF_FORMAT_FLOAT : SF_FORMAT_DOUBLE;
}
uint64_t sample_bytes(WavFormat format) {
  return format == WavFormat::pcm16 ? 2 : format == WavFormat::float32 ? 4 : 8;
}

bool fits_riff(int64_t samples, WavFormat format, uint64_t largest_riff) {
  return static_cast<uint64_t>(samples) * sample_bytes(format) + header_bytes <= largest_riff;
}

// The file is a base: it is made before the encoder, and removed behind it.
struct Target {
  explicit Target(const std::filesystem::path& path) : target(path) {}
  AtomicFile target;
};

class WavFile : private Target, public Encoder {
 public:
  WavFile(const std::filesystem::path& path, int sample_rate, WavFormat format, int channels, bool is_riff,
          bool may_grow)
      : Target(path),
        Encoder(path.string(), {.file = target.descriptor()},
                (is_riff ? SF_FORMAT_WAV : SF_FORMAT_RF64) | coding_of(format), sample_rate, channels) {
    if (may_grow) sf_command(sound(), SFC_RF64_AUTO_DOWNGRADE, nullptr, SF_TRUE);
  }
  void commit() override {
    close();
    target.commit();
  }
};

struct Pipe {
  FileDescriptor file;
};

// A WAV file that is kept in memory.
class WavMemory : private Pipe, public Encoder {
 public:
  WavMemory(int sample_rate, WavFormat format, int channels, bool is_riff)
      : Pipe{memory_file()},
        Encoder("WAV file in memory", {.file = file.number()},
                (is_riff ? SF_FORMAT_WAV : SF_FORMAT_RF64) | coding_of(format), sample_rate, channels) {}
  void commit() override { close(); }
  std::string bytes() const {
    struct stat status {};
    if (::fstat(file.number(), &status) != 0) throw_error("WAV file in memory: {}", std::strerror(errno));
    std::string all(static_cast<size_t>(status.st_size), '\0');
    size_t count = all.size();
    if (!read_at(file.number(), 0, all.data(), count) || count != all.size())
      throw_error("WAV file in memory: cannot be read: {}", std::strerror(errno));
    return all;
  }
};

class SoundPipe : private Pipe, public Encoder {
 public:
  SoundPipe(FileDescriptor to, const std::string& name, const RawForm& form, bool header)
      : Pipe{std::move(to)},
        Encoder(name, begin(file.number(), form, header), SF_FORMAT_RAW | SF_ENDIAN_LITTLE | subtypes(form.coding),
                form.sample_rate, form.channels) {}
  void commit() override { close(); }

 private:
  static int subtypes(RawCoding coding) {
    static constexpr int all[] = {SF_FORMAT_PCM_16, SF_FORMAT_PCM_24, SF_FORMAT_PCM_32, SF_FORMAT_FLOAT};
    return all[static_cast<int>(coding)];
  }
  static Sink begin(int file, const RawForm& form, bool header) {
    Sink sink{.file = file, .seeks = false};
    const std::string bytes = header ? endless_wav_header(raw_format(form)) : "";
    sink.write(bytes.data(), static_cast<sf_count_t>(bytes.size()));
    return sink;
  }
};

}  // namespace

std::unique_ptr<SoundWriter> create_wav(const std::filesystem::path& path, int sample_rate, WavFormat format,
                                        int channels, std::optional<int64_t> frames, uint64_t largest_riff) {
  const bool is_riff = frames && fits_riff(*frames * std::max(channels, 1), format, largest_riff);
  return std::make_unique<WavFile>(path, sample_rate, format, channels, is_riff, !frames);
}

WavBytes wav_in_memory(std::span<const float> samples, int sample_rate, WavFormat format, int channels) {
  WavMemory file(sample_rate, format, channels, fits_riff(static_cast<int64_t>(samples.size()), format, riff_limit));
  file.write(samples);
  file.commit();
  return {file.bytes(), file.clipped()};
}

std::unique_ptr<SoundWriter> stream_sound(FileDescriptor file, const std::string& name, const RawForm& form,
                                          bool header) {
  return std::make_unique<SoundPipe>(std::move(file), name, form, header);
}

}  // namespace sunder
