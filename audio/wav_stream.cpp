#include "audio/wav_stream.h"

#include <algorithm>

#include "audio/containers/view.h"

namespace sunder {
namespace {

constexpr uint32_t no_size = 0xFFFFFFFF;
constexpr uint64_t longest_stream = uint64_t{1} << 60;
constexpr uint64_t longest_format = 1024;  // bytes; the longest that is defined has 40

std::string word(uint64_t value, size_t count) { return number_bytes(value, count, Endian::little); }
uint64_t word_at(std::string_view bytes, size_t at, size_t count) {
  return number(bytes.substr(std::min(at, bytes.size())), count, Endian::little);
}

[[noreturn]] void throw_cut(const InputStream& stream) {
  throw_error<InputError>("{}: cut short: a WAV file without a data chunk", stream.name());
}

std::string take(InputStream& stream, uint64_t count) {
  if (!stream.wait_for(count)) throw_cut(stream);
  std::string bytes(stream.waiting().substr(0, count));
  stream.take(count);
  return bytes;
}

// Whether nothing follows an empty data chunk but text about the recording: else its size is not known.
bool holds_nothing(InputStream& stream) {
  if (!stream.wait_for(4)) return stream.waiting().empty();
  return stream.waiting().starts_with("LIST") || stream.waiting().starts_with("id3 ");
}

}  // namespace

WavStreamHeader read_wav_header(InputStream& stream) {
  const std::string begin = take(stream, 12);
  const bool is_rf64 = begin.starts_with("RF64");
  if ((!is_rf64 && !begin.starts_with("RIFF")) || begin.substr(8) != "WAVE")
    throw_error<InputError>("{}: cannot be read as audio: expected a WAV file", stream.name());
  WavStreamHeader header;
  header.ends = word_at(begin, 4, 4) != no_size;
  uint64_t size_64 = 0;
  while (true) {
    const std::string chunk = take(stream, 8);
    const uint64_t size = word_at(chunk, 4, 4), even = size + size % 2;
    if (chunk.starts_with("data")) {
      if (header.format.empty())
        throw_error<InputError>("{}: expected a \"fmt \" chunk before the samples of a WAV file", stream.name());
      if (is_rf64 && size == no_size && size_64 != 0 && size_64 != UINT64_MAX)
        header.bytes = std::min(size_64, longest_stream);
      else if (size == 0 && holds_nothing(stream)) throw_error<InputError>("{}: holds no samples", stream.name());
      else if (size != 0 && !stands_for_no_size(size, word_at(header.format, 12, 2))) header.bytes = size;
      return header;
    }
    if (chunk.starts_with("fmt ")) {
      if (!header.format.empty())
        throw_error<InputError>("{}: expected one chunk \"fmt \" in a WAV file, got more", stream.name());
      if (size < 16 || size > longest_format)
        throw_error<InputError>("{}: expected 16 to {} bytes in the \"fmt \" chunk, got {}", stream.name(),
                                longest_format, size);
      header.format = take(stream, even).substr(0, size);
    } else if (chunk.starts_with("ds64") && size >= 16 && size <= longest_format) {
      size_64 = word_at(take(stream, even), 8, 8);
    } else if (!stream.skip(even)) {
      throw_cut(stream);
    }
  }
}

std::string rf64_header(const std::string& format, uint64_t bytes) {
  const std::string padded = format + std::string(format.size() % 2, '\0');
  // "WAVE", the three chunks behind it with their headers, and the samples.
  const uint64_t size = 4 + 8 + 28 + 8 + padded.size() + 8 + bytes;
  return "RF64" + word(no_size, 4) + "WAVEds64" + word(28, 4) + word(size, 8) + word(bytes, 8) + std::string(12, '\0') +
         "fmt " + word(format.size(), 4) + padded + "data" + word(no_size, 4);
}

std::string endless_wav_header(const std::string& format) {
  return "RIFF" + word(no_size, 4) + "WAVEfmt " + word(format.size(), 4) + format + "data" + word(no_size, 4);
}

std::string raw_format(const RawForm& form) {
  static constexpr uint64_t sample_bytes[] = {2, 3, 4, 4};
  const uint64_t bytes = sample_bytes[static_cast<int>(form.coding)];
  const auto channels = static_cast<uint64_t>(form.channels), rate = static_cast<uint64_t>(form.sample_rate);
  return word(form.coding == RawCoding::f32le ? 3 : 1, 2) + word(channels, 2) + word(rate, 4) +
         word(rate * channels * bytes, 4) + word(channels * bytes, 2) + word(bytes * 8, 2);
}

void check_behind_wav(InputStream& stream, const WavStreamHeader& header) {
  const uint64_t odd = *header.bytes % 2;
  stream.wait_for(9);
  const std::string next(stream.waiting().substr(0, 9));
  const std::string_view even = std::string_view(next).substr(std::min<size_t>(odd, next.size()));
  for (const char* another : {"RIFF", "RIFX", "RF64"})
    if (even.starts_with(another))
      throw_error<InputError>("{}: expected one WAV file, got another one behind its end", stream.name());
  // Some programs leave the byte out that makes chunks even.
  if (header.ends && !is_chunk_or_zeros(even.substr(0, 8)) && !(odd == 1 && is_chunk_or_zeros(next.substr(0, 8))))
    throw_error<InputError>(
        "{}: the header says {} bytes of samples, but what follows them is not a chunk of a WAV file", stream.name(),
        *header.bytes);
  while (stream.wait_for(1)) stream.take(stream.waiting().size());
}

}  // namespace sunder
