#include "audio/file.h"

#include <sndfile.h>
#include <sys/stat.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <system_error>

#include "audio/container.h"
#include "audio/sample_rate.h"
#include "files/atomic_file.h"
#include "tensor/error.h"

namespace sunder {
namespace {

struct CloseFile {
  void operator()(SNDFILE* file) const { sf_close(file); }
};
using File = std::unique_ptr<SNDFILE, CloseFile>;

// ADPCM, GSM and the like pad their last block: such a file does not say how many samples were recorded.
bool counts_samples(int format) {
  const int container = format & SF_FORMAT_TYPEMASK;
  if (container == SF_FORMAT_FLAC || container == SF_FORMAT_OGG) return true;
  for (const int coding : {SF_FORMAT_PCM_U8, SF_FORMAT_PCM_16, SF_FORMAT_PCM_24, SF_FORMAT_PCM_32, SF_FORMAT_FLOAT,
                           SF_FORMAT_DOUBLE, SF_FORMAT_ULAW, SF_FORMAT_ALAW})
    if ((format & SF_FORMAT_SUBMASK) == coding) return true;
  return false;
}

// libsndfile looks for chunks after the samples too, and the last one of a name counts.
bool has_twice(SNDFILE* file, const char* name) {
  SF_CHUNK_INFO chunk{};
  std::memcpy(chunk.id, name, chunk.id_size = 4);
  SF_CHUNK_ITERATOR* found = sf_get_chunk_iterator(file, &chunk);
  return found && sf_next_chunk_iterator(found);
}

File open_checked(const std::filesystem::path& path, SF_INFO& info) {
  std::error_code failure;
  const auto status = std::filesystem::status(path, failure);
  if (!std::filesystem::exists(status)) throw_error<InputError>("{}: no such file", path.string());
  if (std::filesystem::is_directory(status))
    throw_error<InputError>("{}: expected an audio file, got a folder", path.string());
  if (std::filesystem::is_regular_file(status) && std::filesystem::file_size(path, failure) == 0)
    throw_error<InputError>("{}: expected an audio file, got an empty file", path.string());
  // Before libsndfile, which leaks memory on a truncated OGG file.
  if (std::filesystem::is_regular_file(status)) check_container(path);
  info = SF_INFO{};
  File file(sf_open(path.c_str(), SFM_READ, &info));
  if (!file) throw_error<InputError>("{}: cannot be read as audio: {}", path.string(), sf_strerror(nullptr));
  if (!counts_samples(info.format))
    throw_error<InputError>(
        "{}: expected a WAV file of PCM, floating-point, A-law or u-law samples, got another encoding", path.string());
  for (const char* name : {"fmt ", "data"})
    if (has_twice(file.get(), name))
      throw_error<InputError>("{}: expected one chunk \"{}\" in a WAV file, got more", path.string(), name);
  check_sample_rate(path.string(), info.samplerate);
  if (info.frames <= 0) throw_error<InputError>("{}: holds no samples", path.string());
  return file;
}

template <class T>
void check_finite(const std::filesystem::path& path, const BasicAudio<T>& audio, int64_t begin) {
  for (size_t i = 0; i < audio.samples.size(); ++i)
    if (!std::isfinite(audio.samples[i]))
      throw_error<InputError>("{}: expected finite samples, got {} at sample {} of channel {}", path.string(),
                              audio.samples[i], begin + static_cast<int64_t>(i / audio.channels),
                              i % audio.channels + 1);
}

sf_count_t decode(SNDFILE* file, float* to, sf_count_t frames) { return sf_readf_float(file, to, frames); }
sf_count_t decode(SNDFILE* file, double* to, sf_count_t frames) { return sf_readf_double(file, to, frames); }

// Frames from the file's position on. A wrong header must not make us allocate terabytes: grows with what is there.
template <class T>
void decode_frames(const std::filesystem::path& path, SNDFILE* file, int64_t frames, BasicAudio<T>& audio) {
  const int64_t block = (1 << 20) / audio.channels;
  while (audio.frames < frames) {
    const int64_t wanted = std::min<int64_t>(block, frames - audio.frames);
    audio.samples.resize((audio.frames + wanted) * audio.channels);
    const int64_t got = decode(file, &audio.samples[audio.frames * audio.channels], wanted);
    audio.frames += std::max<int64_t>(got, 0);
    if (got < wanted) {
      const char* reason = sf_error(file) == SF_ERR_NO_ERROR ? "the file ends" : sf_strerror(file);
      throw_error<InputError>("{}: cut short: the header says {} samples, {} could be decoded ({})", path.string(),
                              frames, audio.frames, reason);
    }
  }
}

template <class T>
BasicAudio<T> read_whole(const std::filesystem::path& path) {
  SF_INFO info;
  const File file = open_checked(path, info);
  BasicAudio<T> audio{{}, info.channels, info.samplerate, 0};
  decode_frames(path, file.get(), info.frames, audio);
  check_finite(path, audio, 0);
  return audio;
}

template <class T>
BasicAudio<T> read_range(const std::filesystem::path& path, int64_t begin, int64_t frames) {
  if (begin < 0 || frames < 0) throw_error("[read_audio] expected a range of samples, got {} + {}", begin, frames);
  SF_INFO info;
  const File file = open_checked(path, info);
  if (begin > info.frames || frames > info.frames - begin)
    throw_error<InputError>("{}: expected {} samples from sample {} on, the file holds {}", path.string(), frames,
                            begin, info.frames);
  if (sf_seek(file.get(), begin, SEEK_SET) != begin)
    throw_error<InputError>("{}: sample {} cannot be reached: {}", path.string(), begin, sf_strerror(file.get()));
  BasicAudio<T> audio{{}, info.channels, info.samplerate, 0};
  decode_frames(path, file.get(), frames, audio);
  check_finite(path, audio, begin);
  return audio;
}

template <class T>
BasicAudio<T> one_channel(const std::filesystem::path& path, BasicAudio<T> audio) {
  if (audio.channels != 1)
    throw_error<InputError>("{}: expected one channel, got {} (mix or split them first)", path.string(),
                            audio.channels);
  return audio;
}

// `subtype`: libsndfile's; `sample_bytes`: of one sample in the file.
template <class T>
void write_frames(const std::filesystem::path& path, std::span<const T> samples, int sample_rate, int subtype,
                  size_t sample_bytes, int channels, sf_count_t (*write)(SNDFILE*, const T*, sf_count_t)) {
  if (channels < 1 || samples.size() % channels != 0)
    throw_error("[write_wav] expected whole frames of {} channels, got {} samples", channels, samples.size());
  const auto fail = [&](const char* otherwise) {
    throw_error("{}: cannot be written: {}", path.string(), errno != 0 ? std::strerror(errno) : otherwise);
  };
  AtomicFile target(path);
  SF_INFO info{};
  info.channels = channels;
  info.samplerate = sample_rate;
  info.format = SF_FORMAT_WAV | subtype;
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

AudioInfo audio_info(const std::filesystem::path& path) {
  SF_INFO info;
  open_checked(path, info);
  return {info.channels, info.samplerate, info.frames};
}

Audio read_audio(const std::filesystem::path& path) { return read_whole<float>(path); }
AudioDouble read_audio_double(const std::filesystem::path& path) { return read_whole<double>(path); }

Audio read_audio(const std::filesystem::path& path, int64_t begin, int64_t frames) {
  return read_range<float>(path, begin, frames);
}
AudioDouble read_audio_double(const std::filesystem::path& path, int64_t begin, int64_t frames) {
  return read_range<double>(path, begin, frames);
}

Audio read_mono(const std::filesystem::path& path) { return one_channel(path, read_audio(path)); }
AudioDouble read_mono_double(const std::filesystem::path& path) { return one_channel(path, read_audio_double(path)); }

Tensor deinterleaved(const Audio& audio) {
  Tensor rows = Tensor::empty({audio.channels, audio.frames}, DType::float32);
  float* to = rows.mutable_data<float>();
  for (int64_t c = 0; c < audio.channels; ++c)
    for (int64_t t = 0; t < audio.frames; ++t) to[c * audio.frames + t] = audio.samples[t * audio.channels + c];
  return rows;
}

template <class T>
std::vector<T> interleaved(std::span<const T> rows, int64_t channels) {
  const int64_t frames = static_cast<int64_t>(rows.size()) / channels;
  std::vector<T> samples(rows.size());
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t t = 0; t < frames; ++t) samples[t * channels + c] = rows[c * frames + t];
  return samples;
}
template std::vector<float> interleaved(std::span<const float>, int64_t);
template std::vector<double> interleaved(std::span<const double>, int64_t);

void write_wav(const std::filesystem::path& path, std::span<const float> samples, int sample_rate, WavFormat format,
               int channels) {
  const bool whole = format == WavFormat::pcm16;
  write_frames(path, samples, sample_rate, whole ? SF_FORMAT_PCM_16 : SF_FORMAT_FLOAT, whole ? 2 : 4, channels,
               sf_writef_float);
}

void write_wav_float64(const std::filesystem::path& path, std::span<const double> samples, int sample_rate,
                       int channels) {
  write_frames(path, samples, sample_rate, SF_FORMAT_DOUBLE, 8, channels, sf_writef_double);
}

}  // namespace sunder
