#include "audio/sound_file.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "tensor/error.h"

namespace sunder {

SoundFile::SoundFile(InputFile file, Depth depth) : file_(std::move(file)), container_(check_container(file_, depth)) {
  for (const SoundStream& stream : container_.streams) {
    decoders_.push_back(std::make_unique<Decoder>(file_, stream));
    const Decoder &first = *decoders_[0], &last = *decoders_.back();
    if (last.channels() != first.channels() || last.sample_rate() != first.sample_rate())
      throw_error<InputError>("{}: expected chained streams of one form, got {} channels at {} Hz behind {} at {} Hz",
                              file_.name(), last.channels(), last.sample_rate(), first.channels(), first.sample_rate());
  }
  const std::optional<int64_t> known = frames();
  if (known && *known == 0) throw_error<InputError>("{}: holds no samples", file_.name());
}

std::optional<int64_t> SoundFile::frames() const {
  int64_t sum = 0;
  for (const auto& decoder : decoders_) {
    const std::optional<int64_t> frames = decoder->frames();
    if (!frames) return std::nullopt;
    sum = *frames > std::numeric_limits<int64_t>::max() - sum ? std::numeric_limits<int64_t>::max() : sum + *frames;
  }
  return sum;
}

template <class T>
int64_t SoundFile::read(T* to, int64_t count) {
  for (; stream_ < decoders_.size(); ++stream_, in_stream_ = 0) {
    Decoder& decoder = *decoders_[stream_];
    const std::optional<int64_t> length = decoder.frames();
    const int64_t wanted = length ? std::min(count, *length - in_stream_) : count;
    const int64_t got = wanted == 0 ? 0 : decoder.read(to, wanted);
    in_stream_ += got;
    if (got < wanted) check_end(decoder, name(), length, in_stream_);
    check_finite(name(), to, got, channels(), read_);
    read_ += got;
    if (got > 0) return got;
  }
  if (read_ == 0) throw_error<InputError>("{}: holds no samples", name());
  return 0;
}
template int64_t SoundFile::read(float*, int64_t);
template int64_t SoundFile::read(double*, int64_t);

void check_end(const Decoder& decoder, const std::string& name, std::optional<int64_t> expected, int64_t decoded) {
  const std::string problem = decoder.problem();
  if (expected)
    throw_error<InputError>("{}: cut short: the header says {} samples, {} could be decoded ({})", name, *expected,
                            decoded, problem.empty() ? "the file ends" : problem);
  if (!problem.empty())
    throw_error<InputError>("{}: cut short: {} samples could be decoded ({})", name, decoded, problem);
}

template <class T>
void check_finite(const std::string& name, const T* samples, int64_t frames, int channels, int64_t begin) {
  for (int64_t i = 0; i < frames * channels; ++i)
    if (!std::isfinite(samples[i]))
      throw_error<InputError>("{}: expected finite samples, got {} at sample {} of channel {}", name, samples[i],
                              begin + i / channels, i % channels + 1);
}
template void check_finite(const std::string&, const float*, int64_t, int, int64_t);
template void check_finite(const std::string&, const double*, int64_t, int, int64_t);

}  // namespace sunder
