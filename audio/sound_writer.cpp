#include "audio/sound_writer.h"

#include <poll.h>
#include <sndfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "audio/containers/view.h"
#include "audio/wav_stream.h"
#include "files/atomic_file.h"
#include "tensor/error.h"

namespace sunder {
namespace {

// libsndfile goes on after a write of its header that failed, and says nothing: the calls are ours, and remember it.
struct Sink {
  int file;
  bool seeks = true;       // a file; else only written to
  int error = 0;           // errno of the first call that failed
  sf_count_t written = 0;  // bytes, where it does not seek

  sf_count_t checked(off_t result) {
    if (result < 0 && error == 0) error = errno;
    return result;
  }
  sf_count_t write(const char* from, sf_count_t count) {
    sf_count_t done = 0;
    while (done < count && error == 0) {
      const ssize_t wrote = ::write(file, from + done, static_cast<size_t>(count - done));
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {  // a pipe that its owner does not want to wait for
        pollfd ready{file, POLLOUT, 0};
        ::poll(&ready, 1, -1);
        continue;
      }
      if (wrote == 0) error = ENOSPC;
      if (checked(wrote) > 0) done += wrote;
    }
    written += done;
    return done;
  }

  static Sink& of(void* self) { return *static_cast<Sink*>(self); }
  SF_VIRTUAL_IO calls{[](void* self) -> sf_count_t {
                        struct stat status {};
                        if (!of(self).seeks) return of(self).written;
                        return of(self).checked(::fstat(of(self).file, &status)) < 0 ? -1 : status.st_size;
                      },
                      [](sf_count_t at, int from, void* self) {
                        return of(self).seeks ? of(self).checked(::lseek(of(self).file, at, from)) : of(self).written;
                      },
                      [](void* to, sf_count_t count, void* self) {
                        return of(self).checked(::read(of(self).file, to, static_cast<size_t>(count)));
                      },
                      [](const void* from, sf_count_t count, void* self) {
                        return of(self).write(static_cast<const char*>(from), count);
                      },
                      [](void* self) {
                        return of(self).seeks ? of(self).checked(::lseek(of(self).file, 0, SEEK_CUR))
                                              : of(self).written;
                      }};
};

// Samples through libsndfile. `format`: its own.
class Encoder : public SoundWriter {
 public:
  Encoder(std::string name, Sink sink, int format, int sample_rate, int channels)
      : name_(std::move(name)), sink_(sink), channels_(channels), format_(format) {
    if (channels < 1) throw_error("[write_wav] expected channels, got {}", channels);
    SF_INFO info{};
    info.channels = channels;
    info.samplerate = sample_rate;
    info.format = format;
    sound_.reset(sf_open_virtual(&sink_.calls, SFM_WRITE, &info, &sink_));
    if (!sound_) fail(sf_strerror(nullptr));
    sf_command(sound_.get(), SFC_SET_CLIPPING, nullptr, SF_TRUE);
    // The PEAK chunk carries a time stamp; without it equal samples make equal files.
    sf_command(sound_.get(), SFC_SET_ADD_PEAK_CHUNK, nullptr, SF_FALSE);
  }

  void write(std::span<const float> samples) override { encode(samples, sf_writef_float); }
  void write(std::span<const double> samples) override { encode(samples, sf_writef_double); }
  int64_t clipped() const override { return clipped_; }

 protected:
  SNDFILE* sound() { return sound_.get(); }
  void close() {
    if (sf_close(sound_.release()) != 0 || sink_.error != 0) fail("not all samples were written");
  }

 private:
  struct Close {
    void operator()(SNDFILE* file) const { sf_close(file); }
  };

  [[noreturn]] void fail(const char* otherwise) const {
    throw_error("{}: cannot be written: {}", name_, sink_.error != 0 ? std::strerror(sink_.error) : otherwise);
  }
  bool is_float() const {
    const int coding = format_ & SF_FORMAT_SUBMASK;
    return coding == SF_FORMAT_FLOAT || coding == SF_FORMAT_DOUBLE;
  }

  template <class T>
  void encode(std::span<const T> samples, sf_count_t (*encoder)(SNDFILE*, const T*, sf_count_t)) {
    if (samples.size() % channels_ != 0)
      throw_error("[write_wav] expected whole frames of {} channels, got {} samples", channels_, samples.size());
    if (!is_float()) clipped_ += std::ranges::count_if(samples, [](T sample) { return !(sample >= -1 && sample < 1); });
    const auto frames = static_cast<sf_count_t>(samples.size() / channels_);
    if (encoder(sound_.get(), samples.data(), frames) != frames || sink_.error != 0)
      fail("not all samples were written");
  }

  const std::string name_;
  Sink sink_;
  const int channels_, format_;
  int64_t clipped_ = 0;
  std::unique_ptr<SNDFILE, Close> sound_;
};

constexpr uint64_t header_bytes = 128;  // more than libsndfile writes around the samples

int coding_of(WavFormat format) {
  if (format == WavFormat::pcm16) return SF_FORMAT_PCM_16;
  return format == WavFormat::float32 ? SF_FORMAT_FLOAT : SF_FORMAT_DOUBLE;
}
uint64_t sample_bytes(WavFormat format) {
  return format == WavFormat::pcm16 ? 2 : format == WavFormat::float32 ? 4 : 8;
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
  const uint64_t frame = sample_bytes(format) * static_cast<uint64_t>(std::max(channels, 1));
  const bool is_riff = frames && static_cast<uint64_t>(*frames) * frame + header_bytes <= largest_riff;
  return std::make_unique<WavFile>(path, sample_rate, format, channels, is_riff, !frames);
}

std::unique_ptr<SoundWriter> stream_sound(FileDescriptor file, const std::string& name, const RawForm& form,
                                          bool header) {
  return std::make_unique<SoundPipe>(std::move(file), name, form, header);
}

}  // namespace sunder
