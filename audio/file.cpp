#include "audio/file.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <string>

#include "audio/containers/container.h"
#include "audio/containers/excerpt.h"
#include "audio/decoder.h"
#include "audio/input_file.h"
#include "tensor/error.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

// A file whose container was checked, and its streams, of one form. Few files have more than one.
class Opened {
 public:
  Opened(const fs::path& path, Depth depth) : file_(path), container_(check_container(file_, depth)) {
    for (const SoundStream& stream : container_.streams) {
      decoders_.push_back(std::make_unique<Decoder>(file_, stream));
      const Decoder &first = *decoders_[0], &last = *decoders_.back();
      if (last.channels() != first.channels() || last.sample_rate() != first.sample_rate())
        throw_error<InputError>("{}: expected chained streams of one form, got {} channels at {} Hz behind {} at {} Hz",
                                file_.name(), last.channels(), last.sample_rate(), first.channels(),
                                first.sample_rate());
    }
    const std::optional<int64_t> known = frames();
    if (known && *known == 0) throw_error<InputError>("{}: holds no samples", file_.name());
  }

  const std::vector<std::unique_ptr<Decoder>>& decoders() const { return decoders_; }
  int channels() const { return decoders_[0]->channels(); }
  int sample_rate() const { return decoders_[0]->sample_rate(); }
  const InputFile& file() const { return file_; }
  const std::vector<SoundStream>& streams() const { return container_.streams; }
  std::string name() const { return file_.name(); }
  uint64_t bytes() const { return file_.size(); }

  // Of all streams together; nothing where one does not say.
  std::optional<int64_t> frames() const {
    int64_t sum = 0;
    for (const auto& decoder : decoders_) {
      const std::optional<int64_t> frames = decoder->frames();
      if (!frames) return std::nullopt;
      sum = *frames > std::numeric_limits<int64_t>::max() - sum ? std::numeric_limits<int64_t>::max() : sum + *frames;
    }
    return sum;
  }

 private:
  InputFile file_;
  Container container_;
  std::vector<std::unique_ptr<Decoder>> decoders_;
};

template <class T>
BasicAudio<T> empty_audio(const Opened& opened) {
  return {{}, opened.channels(), opened.sample_rate(), 0};
}

// Decodes `frames` frames, or all where that is not known, by calls of take(decoder, count), which returns how many it
// got.
template <class Take>
void decode(const Opened& opened, Decoder& decoder, std::optional<int64_t> frames, const Take& take) {
  const int64_t block = std::max(1, (1 << 20) / opened.channels());
  for (int64_t done = 0; !frames || done < *frames;) {
    const int64_t wanted = frames ? std::min(block, *frames - done) : block;
    const int64_t got = take(decoder, wanted);
    done += got;
    if (got == wanted) continue;
    const std::string problem = decoder.problem();
    if (frames)
      throw_error<InputError>("{}: cut short: the header says {} samples, {} could be decoded ({})", opened.name(),
                              *frames, done, problem.empty() ? "the file ends" : problem);
    if (!problem.empty())
      throw_error<InputError>("{}: cut short: {} samples could be decoded ({})", opened.name(), done, problem);
    return;
  }
}

// Appends to `audio`. A wrong header must not make us allocate terabytes: grows with what is there.
template <class T>
void append(const Opened& opened, Decoder& decoder, std::optional<int64_t> frames, BasicAudio<T>& audio) {
  decode(opened, decoder, frames, [&](Decoder& from, int64_t wanted) {
    audio.samples.resize((audio.frames + wanted) * audio.channels);
    const int64_t got = from.read(&audio.samples[audio.frames * audio.channels], wanted);
    audio.samples.resize((audio.frames += got) * audio.channels);
    return got;
  });
}

// No codec that we read stores a sample in less: a header that says more may be wrong.
template <class T>
void reserve(const Opened& opened, int64_t frames, BasicAudio<T>& audio) {
  constexpr uint64_t samples_a_byte = 32;
  if (static_cast<uint64_t>(frames) <= opened.bytes() * samples_a_byte / static_cast<uint64_t>(audio.channels))
    audio.samples.reserve(static_cast<size_t>(frames) * audio.channels);
}

template <class T>
void check_finite(const Opened& opened, const BasicAudio<T>& audio, int64_t begin) {
  for (size_t i = 0; i < audio.samples.size(); ++i)
    if (!std::isfinite(audio.samples[i]))
      throw_error<InputError>("{}: expected finite samples, got {} at sample {} of channel {}", opened.name(),
                              audio.samples[i], begin + static_cast<int64_t>(i / audio.channels),
                              i % audio.channels + 1);
}

// Out of memory: which recording is too long?
[[noreturn]] void throw_too_long(const Opened& opened) {
  const auto frames = opened.frames();
  throw OutOfMemory(fmt::format("{}: out of memory: the recording has {} samples in {} {}", opened.name(),
                                frames ? std::to_string(*frames) : "very many", opened.channels(),
                                opened.channels() == 1 ? "channel" : "channels"),
                    0);
}

template <class T>
BasicAudio<T> read_whole(const fs::path& path) {
  const Opened opened(path, Depth::whole);
  auto audio = empty_audio<T>(opened);
  try {
    if (const auto frames = opened.frames()) reserve(opened, *frames, audio);
    for (const auto& decoder : opened.decoders()) append(opened, *decoder, decoder->frames(), audio);
  } catch (const std::bad_alloc&) {
    throw_too_long(opened);
  }
  if (audio.frames == 0) throw_error<InputError>("{}: holds no samples", opened.name());
  check_finite(opened, audio, 0);
  return audio;
}

// Appends `frames` frames of a stream from `from` on.
template <class T>
void append_range(const Opened& opened, size_t stream, int64_t from, int64_t frames, BasicAudio<T>& audio) {
  Decoder& decoder = *opened.decoders()[stream];
  const auto length = decoder.frames();
  if (!decoder.seeks_exactly() && length) {
    const auto excerpt = find_excerpt(opened.file(), opened.streams()[stream], *length, from, from + frames);
    if (excerpt) {
      Decoder part(opened.file(), excerpt->stream);
      const int64_t decoded = part.frames().value_or(0);
      if (decoded >= excerpt->before_end && excerpt->before_end >= frames) {
        part.skip_to(decoded - excerpt->before_end);
        append(opened, part, frames, audio);
        return;
      }
    }
  }
  decoder.skip_to(from);
  append(opened, decoder, frames, audio);
}

template <class T>
BasicAudio<T> read_range(const fs::path& path, int64_t begin, int64_t frames) {
  if (begin < 0 || frames < 0) throw_error("[read_audio] expected a range of samples, got {} + {}", begin, frames);
  const Opened opened(path, Depth::headers);
  if (const auto known = opened.frames(); known && (begin > *known || frames > *known - begin))
    throw_error<InputError>("{}: expected {} samples from sample {} on, the file holds {}", opened.name(), frames,
                            begin, *known);
  auto audio = empty_audio<T>(opened);
  reserve(opened, frames, audio);
  int64_t before = 0;  // frames of the streams so far
  for (size_t i = 0; i < opened.decoders().size(); ++i) {
    const auto length = opened.decoders()[i]->frames();
    const int64_t from = begin + audio.frames - before;
    int64_t wanted = frames - audio.frames;
    if (length) wanted = std::min(wanted, *length - from);
    if (wanted > 0) append_range(opened, i, from, wanted, audio);
    before += length.value_or(0);
  }
  check_finite(opened, audio, begin);
  return audio;
}

// Of streams that do not say how long they are.
int64_t count_frames(const Opened& opened) {
  int64_t sum = 0;
  std::vector<float> block;
  for (const auto& decoder : opened.decoders())
    decode(opened, *decoder, decoder->frames(), [&](Decoder& from, int64_t wanted) {
      block.resize(static_cast<size_t>(wanted) * opened.channels());
      const int64_t got = from.read(block.data(), wanted);
      sum += got;
      return got;
    });
  if (sum == 0) throw_error<InputError>("{}: holds no samples", opened.name());
  return sum;
}

}  // namespace

AudioInfo audio_info(const fs::path& path) {
  const Opened opened(path, Depth::headers);
  const auto frames = opened.frames();
  return {opened.channels(), opened.sample_rate(), frames ? *frames : count_frames(opened)};
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
