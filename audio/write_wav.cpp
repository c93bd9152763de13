#include <sndfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "audio/file.h"
#include "files/atomic_file.h"
#include "tensor/error.h"

namespace sunder {
namespace {

struct CloseFile {
  void operator()(SNDFILE* file) const { sf_close(file); }
};
using File = std::unique_ptr<SNDFILE, CloseFile>;

// libsndfile goes on after a write of its header that failed, and says nothing: the calls are ours, and remember it.
struct Sink {
  int file;
  int error = 0;  // errno of the first call that failed

  sf_count_t checked(off_t result) {
    if (result < 0 && error == 0) error = errno;
    return result;
  }
  sf_count_t write(const char* from, sf_count_t count) {
    sf_count_t done = 0;
    while (done < count && error == 0) {
      const ssize_t wrote = ::write(file, from + done, static_cast<size_t>(count - done));
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote == 0) error = ENOSPC;
      if (checked(wrote) > 0) done += wrote;
    }
    return done;
  }

  static Sink& of(void* self) { return *static_cast<Sink*>(self); }
  SF_VIRTUAL_IO calls{
      [](void* self) -> sf_count_t {
        struct stat status {};
        return of(self).checked(::fstat(of(self).file, &status)) < 0 ? -1 : status.st_size;
      },
      [](sf_count_t at, int from, void* self) { return of(self).checked(::lseek(of(self).file, at, from)); },
      [](void* to, sf_count_t count, void* self) {
        return of(self).checked(::read(of(self).file, to, static_cast<size_t>(count)));
      },
      [](const void* from, sf_count_t count, void* self) {
        return of(self).write(static_cast<const char*>(from), count);
      },
      [](void* self) { return of(self).checked(::lseek(of(self).file, 0, SEEK_CUR)); }};
};

constexpr uint64_t header_bytes = 128;  // more than libsndfile writes around the samples

// `subtype`: libsndfile's; `sample_bytes`: of one sample in the file.
template <class T>
void write_frames(const std::filesystem::path& path, std::span<const T> samples, int sample_rate, int subtype,
                  size_t sample_bytes, int channels, uint64_t largest_riff,
                  sf_count_t (*write)(SNDFILE*, const T*, sf_count_t)) {
  if (channels < 1 || samples.size() % channels != 0)
    throw_error("[write_wav] expected whole frames of {} channels, got {} samples", channels, samples.size());
  AtomicFile target(path);
  Sink sink{.file = target.descriptor()};
  const auto fail = [&](const char* otherwise) {
    throw_error("{}: cannot be written: {}", path.string(), sink.error != 0 ? std::strerror(sink.error) : otherwise);
  };
  SF_INFO info{};
  info.channels = channels;
  info.samplerate = sample_rate;
  const bool fits = samples.size() * sample_bytes + header_bytes <= largest_riff;
  info.format = (fits ? SF_FORMAT_WAV : SF_FORMAT_RF64) | subtype;
  File file(sf_open_virtual(&sink.calls, SFM_WRITE, &info, &sink));
  if (!file) fail(sf_strerror(nullptr));
  sf_command(file.get(), SFC_SET_CLIPPING, nullptr, SF_TRUE);
  // The PEAK chunk carries a time stamp; without it equal samples make equal files.
  sf_command(file.get(), SFC_SET_ADD_PEAK_CHUNK, nullptr, SF_FALSE);
  const auto frames = static_cast<sf_count_t>(samples.size() / channels);
  const bool written = write(file.get(), samples.data(), frames) == frames;
  const bool closed = sf_close(file.release()) == 0;
  if (!written || !closed || sink.error != 0) fail("not all samples were written");
  target.commit();
}

}  // namespace

void write_wav(const std::filesystem::path& path, std::span<const float> samples, int sample_rate, WavFormat format,
               int channels, uint64_t largest_riff) {
  const bool whole = format == WavFormat::pcm16;
  write_frames(path, samples, sample_rate, whole ? SF_FORMAT_PCM_16 : SF_FORMAT_FLOAT, whole ? 2 : 4, channels,
               largest_riff, sf_writef_float);
}

void write_wav_float64(const std::filesystem::path& path, std::span<const double> samples, int sample_rate,
                       int channels, uint64_t largest_riff) {
  write_frames(path, samples, sample_rate, SF_FORMAT_DOUBLE, 8, channels, largest_riff, sf_writef_double);
}

}  // namespace sunder
