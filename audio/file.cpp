#include "audio/file.h"

#include <algorithm>
#include <new>
#include <string>

#include "audio/containers/excerpt.h"
#include "audio/sound_file.h"
#include "tensor/error.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

template <class T>
BasicAudio<T> empty_audio(const SoundFile& file) {
  return {{}, file.channels(), file.sample_rate(), 0};
}

int64_t block_frames(const SoundFile& file) { return std::max(1, (1 << 20) / file.channels()); }

// Appends up to `count` frames to `audio`, as many as read(to, count) gives. A wrong header must not make us allocate
// terabytes: grows with what is there.
template <class T, class Read>
int64_t append(BasicAudio<T>& audio, int64_t count, const Read& read) {
  audio.samples.resize((audio.frames + count) * audio.channels);
  const int64_t got = read(&audio.samples[audio.frames * audio.channels], count);
  audio.samples.resize((audio.frames += got) * audio.channels);
  return got;
}

// No codec that we read stores a sample in less: a header that says more may be wrong.
template <class T>
void reserve(const SoundFile& file, int64_t frames, BasicAudio<T>& audio) {
  constexpr uint64_t samples_a_byte = 32;
  if (static_cast<uint64_t>(frames) <= file.file().size() * samples_a_byte / static_cast<uint64_t>(audio.channels))
    audio.samples.reserve(static_cast<size_t>(frames) * audio.channels);
}

// Out of memory: which recording is too long?
[[noreturn]] void throw_too_long(const SoundFile& file) {
  const auto frames = file.frames();
  throw OutOfMemory(fmt::format("{}: out of memory: the recording has {} samples in {} {}", file.name(),
                                frames ? std::to_string(*frames) : "very many", file.channels(),
                                file.channels() == 1 ? "channel" : "channels"),
                    0);
}

template <class T>
BasicAudio<T> read_whole(const fs::path& path) {
  SoundFile file(path, Depth::whole);
  auto audio = empty_audio<T>(file);
  const auto read = [&](T* to, int64_t count) { return file.read(to, count); };
  try {
    const auto frames = file.frames();
    if (frames) reserve(file, *frames, audio);
    const auto left = [&] {
      return frames ? std::min(block_frames(file), *frames - audio.frames) : block_frames(file);
    };
    while (left() > 0 && append(audio, left(), read) > 0) continue;
  } catch (const std::bad_alloc&) {
    throw_too_long(file);
  }
  return audio;
}

// Appends `frames` frames that a decoder gives from where it is.
template <class T>
void append_frames(const SoundFile& file, Decoder& decoder, int64_t frames, BasicAudio<T>& audio) {
  for (int64_t done = 0; done < frames;) {
    const int64_t wanted = std::min(block_frames(file), frames - done);
    const int64_t got = append(audio, wanted, [&](T* to, int64_t count) { return decoder.read(to, count); });
    done += got;
    if (got < wanted) check_end(decoder, file.name(), frames, done);
  }
}

// Appends `frames` frames of a stream from `from` on.
template <class T>
void append_range(const SoundFile& file, size_t stream, int64_t from, int64_t frames, BasicAudio<T>& audio) {
  Decoder& decoder = *file.decoders()[stream];
  const auto length = decoder.frames();
  if (!decoder.seeks_exactly() && length) {
    const auto excerpt = find_excerpt(file.file(), file.streams()[stream], *length, from, from + frames);
    if (excerpt) {
      Decoder part(file.file(), excerpt->stream);
      const int64_t decoded = part.frames().value_or(0);
      if (decoded >= excerpt->before_end && excerpt->before_end >= frames) {
        part.skip_to(decoded - excerpt->before_end);
        append_frames(file, part, frames, audio);
        return;
      }
    }
  }
  decoder.skip_to(from);
  append_frames(file, decoder, frames, audio);
}

template <class T>
BasicAudio<T> read_range(const fs::path& path, int64_t begin, int64_t frames) {
  if (begin < 0 || frames < 0) throw_error("[read_audio] expected a range of samples, got {} + {}", begin, frames);
  const SoundFile file(path, Depth::headers);
  if (const auto known = file.frames(); known && (begin > *known || frames > *known - begin))
    throw_error<InputError>("{}: expected {} samples from sample {} on, the file holds {}", file.name(), frames, begin,
                            *known);
  auto audio = empty_audio<T>(file);
  reserve(file, frames, audio);
  int64_t before = 0;  // frames of the streams so far
  for (size_t i = 0; i < file.decoders().size(); ++i) {
    const auto length = file.decoders()[i]->frames();
    const int64_t from = begin + audio.frames - before;
    int64_t wanted = frames - audio.frames;
    if (length) wanted = std::min(wanted, *length - from);
    if (wanted > 0) append_range(file, i, from, wanted, audio);
    before += length.value_or(0);
  }
  check_finite(file.name(), audio.samples.data(), audio.frames, audio.channels, begin);
  return audio;
}

// Of a file that does not say how long it is.
int64_t count_frames(SoundFile& file) {
  int64_t sum = 0;
  std::vector<float> block(static_cast<size_t>(block_frames(file)) * file.channels());
  for (int64_t got = 1; got > 0; sum += got) got = file.read(block.data(), block_frames(file));
  return sum;
}

}  // namespace

AudioInfo audio_info(const fs::path& path) {
  SoundFile file(path, Depth::headers);
  const auto frames = file.frames();
  return {file.channels(), file.sample_rate(), frames ? *frames : count_frames(file)};
}

Audio read_audio(const fs::path& path) { return read_whole<float>(path); }
AudioDouble read_audio_double(const fs::path& path) { return read_whole<double>(path); }

Audio read_audio(const fs::path& path, int64_t begin, int64_t frames) { return read_range<float>(path, begin, frames); }
AudioDouble read_audio_double(const fs::path& path, int64_t begin, int64_t frames) {
  return read_range<double>(path, begin, frames);
}

Audio read_mono(const fs::path& path) {
  Audio audio = read_audio(path);
  if (audio.channels != 1)
    throw_error<InputError>("{}: expected one channel, got {} (mix or split them first)", path.string(),
                            audio.channels);
  return audio;
}

std::vector<float> channel_of(const Audio& audio, int channel) {
  std::vector<float> samples(audio.frames);
  for (int64_t t = 0; t < audio.frames; ++t) samples[t] = audio.samples[t * audio.channels + channel];
  return samples;
}

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

}  // namespace sunder
