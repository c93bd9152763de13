// MP3 (ISO 11172-3 and 13818-3, layer 3). libsndfile guesses the number of samples from the size of the file unless the
// first frame is a Xing or Info header that counts the frames; mpg123 below it writes about odd ones to standard error.
#include <algorithm>
#include <array>
#include <optional>

#include "audio/containers/view.h"

namespace sunder {
namespace {

struct Frame {
  uint32_t header = 0;
  uint64_t size = 0;
  bool mpeg1 = false, mono = false, crc = false;
};

// Empty where the four bytes are no header of a frame of known size.
std::optional<Frame> parse_frame(std::string_view bytes) {
  static constexpr std::array<int, 15> mpeg1_rates = {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320};
  static constexpr std::array<int, 15> mpeg2_rates = {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160};
  static constexpr std::array<int, 3> sample_rates = {44100, 48000, 32000};
  if (bytes.size() < 4) return std::nullopt;
  const auto header = static_cast<uint32_t>(number(bytes, 4, Endian::big));
  const uint32_t version = header >> 19 & 3, layer = header >> 17 & 3, bits = header >> 12 & 15,
                 rate = header >> 10 & 3;
  if (header >> 21 != 0x7FF || version == 1 || layer != 1 || bits == 0 || bits == 15 || rate == 3) return std::nullopt;
  const bool mpeg1 = version == 3;
  const int sample_rate = sample_rates[rate] / (mpeg1 ? 1 : version == 2 ? 2 : 4);
  const int bytes_a_second = (mpeg1 ? mpeg1_rates : mpeg2_rates)[bits] * 1000 / 8;
  const uint64_t size = static_cast<uint64_t>((mpeg1 ? 1152 : 576) * bytes_a_second / sample_rate) + (header >> 9 & 1);
  return Frame{header, size, mpeg1, (header >> 6 & 3) == 3, (header >> 16 & 1) == 0};
}

// Where the Xing header is in its frame: behind the side information.
uint64_t xing_offset(const Frame& frame) {
  return 4 + (frame.crc ? 2 : 0) + (frame.mpeg1 ? (frame.mono ? 17 : 32) : (frame.mono ? 9 : 17));
}

// Tags of players, and zeros, may follow the last frame.
bool is_tag_or_zeros(const std::string& bytes) {
  for (const char* tag : {"TAG", "APETAGEX", "LYRICSBEGIN", "ID3", "3DI"})
    if (bytes.starts_with(tag)) return true;
  return bytes.find_first_not_of('\0') == std::string::npos;
}

// A frame without sound, of the format of `like`, that says how many frames follow it.
std::string counting_frame(const Frame& like, uint64_t count) {
  const uint32_t header = (like.header & ~0xF200u) | 14u << 12 | 1u << 16;  // the largest, without padding and CRC
  const std::string bytes = number_bytes(header, 4, Endian::big);
  const Frame frame = *parse_frame(bytes);
  std::string result = bytes + std::string(frame.size - 4, '\0');
  result.replace(xing_offset(frame), 12,
                 "Info" + number_bytes(1, 4, Endian::big) + number_bytes(count, 4, Endian::big));
  return result;
}

}  // namespace

Container check_mpeg(const View& view) {
  std::optional<Frame> first;
  uint64_t frames = 0, end = 0;
  constexpr size_t block_size = size_t{1} << 16;
  std::string block;
  for (uint64_t block_begin = 0; end + 4 <= view.size;) {
    if (block.empty() || end < block_begin || end + 4 > block_begin + block.size())
      block = view.bytes_at(block_begin = end, block_size);
    const auto frame = parse_frame(std::string_view(block).substr(end - block_begin));
    if (!frame) break;
    if (!first) first = frame;
    if (frame->size > view.size - end)
      throw_error<InputError>("{}: cut short: the last MP3 frame has {} bytes, the file holds {} of them", view.name(),
                              frame->size, view.size - end);
    end += frame->size, ++frames;
  }
  if (!first)
    throw_error<InputError>("{}: cannot be read as audio: expected a frame of an MP3 file at its beginning",
                            view.name());
  if (!is_tag_or_zeros(view.bytes_at(end, 128)))
    throw_error<InputError>("{}: damaged: expected an MP3 frame at byte {}, got something else", view.name(), end);

  const uint64_t at = xing_offset(*first);
  const std::string xing = view.bytes_at(at, 16);
  const bool counts = xing.starts_with("Xing") || xing.starts_with("Info");
  const uint64_t flags = number(std::string_view(xing).substr(std::min<size_t>(4, xing.size())), 4, Endian::big);
  if (!counts || !(flags & 1)) {
    const std::string header = counting_frame(*first, frames - counts);
    const uint64_t begin = counts ? first->size : 0;
    return {{SoundStream{{0, header.size(), header}, {view.begin + begin, end - begin}}}};
  }
  const uint64_t claimed = number(std::string_view(xing).substr(8), 4, Endian::big);
  if (claimed > frames - 1)
    throw_error<InputError>("{}: cut short: the header says {} MP3 frames, the file holds {}", view.name(), claimed,
                            frames - 1);
  if (claimed < frames - 1)
    throw_error<InputError>(
        "{}: the header says {} MP3 frames, the file holds {}: are there several recordings one after another?",
        view.name(), claimed, frames - 1);
  if (!(flags & 2)) return {{view.stream(end)}};
  // mpg123 writes a warning where this size is wrong.
  return {{view.stream(end, at + 12, number_bytes(end, 4, Endian::big))}};
}

}  // namespace sunder
