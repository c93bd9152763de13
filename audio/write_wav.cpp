#include <sndfile.h>
#include <sys/stat.h>

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

constexpr uint64_t header_bytes = 128;  // more than libsndfile writes around the samples

// `subtype`: libsndfile's; `sample_bytes`: of one sample in the file.
template <class T>
void write_frames(const std::filesystem::path& path, std::span<const T> samples, int sample_rate, int subtype,
                  size_t sample_bytes, int channels, uint64_t largest_riff,
                  sf_count_t (*write)(SNDFILE*, const T*, sf_count_t)) {
  if (channels < 1 || samples.size() % channels != 0)
    throw_error("[write_wav] expected whole frames of {} channels, got {} samples", channels, samples.size());
  const auto fail = [&](const char* otherwise) {
    throw_error("{}: cannot be written: {}", path.string(), errno != 0 ? std::strerror(errno) : otherwise);
  };
  AtomicFile target(path);
  SF_INFO info{};
  info.channels = channels;
  info.samplerate = sample_rate;
  const bool fits = samples.size() * sample_bytes + header_bytes <= largest_riff;
  info.format = (fits ? SF_FORMAT_WAV : SF_FORMAT_RF64) | subtype;
  errno = 0;
  File file(sf_open_fd(target.descriptor(), SFM_WRITE, &info, SF_FALSE));
  if (!file) fail(sf_strerror(nullptr));
  sf_command(file.get(), SFC_SET_CLIPPING, nullptr, SF_TRUE);
  // The PEAK chunk carries a time stamp; without it equal samples make equal files.
  sf_command(file.get(), SFC_SET_ADD_PEAK_CHUNK, nullptr, SF_FALSE);
  errno = 0;
  const auto frames = static_cast<sf_count_t>(samples.size() / channels);
  const bool written = write(file.get(), samples.data(), frames) == frames;
  const bool closed = sf_close(file.release()) == 0;
  struct stat status {};
  const bool complete = written && closed && fstat(target.descriptor(), &status) == 0 &&
                        static_cast<uint64_t>(status.st_size) >= samples.size() * sample_bytes;
  if (!complete) fail("not all samples were written");
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
