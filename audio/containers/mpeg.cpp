// MP3 (ISO 11172-3 and 13818-3, layer 3). libsndfile guesses the number of samples from the size of the file unless the
// first frame is a Xing or Info header that counts the frames; mpg123 below it writes about odd ones to standard error.
#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

#include "audio/containers/view.h"

namespace sunder {
namespace {

struct Frame {
  uint32_t header = 0;
  uint64_t size = 0;
  bool mpeg1 = false, mono = false, crc = false;
};

struct Place {
  uint64_t begin = 0;
  Frame frame;
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

uint64_t side_information(const Frame& frame) {
  return frame.mpeg1 ? (frame.mono ? 17 : 32) : (frame.mono ? 9 : 17);  // bytes
}

// Where the Xing header is in its frame: behind the side information.
uint64_t xing_offset(const Frame& frame) { return 4 + (frame.crc ? 2 : 0) + side_information(frame); }

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

// The header and side information of a frame that sounds like nothing, but whose other bytes later frames may use.
// mpg123 complains about frames whose beginning it does not have, and keeps what a frame claims of those before it:
// `filled` bytes. Frames with a CRC stay as they are.
std::string silent_head(const Frame& frame, uint64_t filled) {
  std::string bytes = number_bytes(frame.header, 4, Endian::big);
  if (frame.crc) return bytes;
  const uint64_t claimed = std::min<uint64_t>(filled, frame.mpeg1 ? 511 : 255);
  const int bits = frame.mpeg1 ? 9 : 8;
  bytes += number_bytes(claimed << (16 - bits), 2, Endian::big);
  return bytes + std::string(static_cast<size_t>(side_information(frame)) - 2, '\0');
}

struct Frames {
  std::vector<Place> places;
  uint64_t end = 0;  // of the last one
};

// The frames from the beginning of the file on, to the first thing that is none.
Frames walk(const View& view) {
  constexpr size_t block_size = size_t{1} << 16;
  Frames frames;
  std::string block;
  for (uint64_t block_begin = 0; frames.end + 4 <= view.size;) {
    if (block.empty() || frames.end + 4 > block_begin + block.size())
      block = view.bytes_at(block_begin = frames.end, block_size);
    const auto frame = parse_frame(std::string_view(block).substr(frames.end - block_begin));
    if (!frame) break;
    if (frame->size > view.size - frames.end)
      throw_error<InputError>("{}: cut short: the last MP3 frame has {} bytes, the file holds {} of them", view.name(),
                              frame->size, view.size - frames.end);
    frames.places.push_back({frames.end, *frame});
    frames.end += frame->size;
  }
  if (frames.places.empty())
    throw_error<InputError>("{}: cannot be read as audio: expected a frame of an MP3 file at its beginning",
                            view.name());
  return frames;
}

// What the first frame says if it is a Xing or Info header.
struct XingHeader {
  bool found = false;
  std::optional<uint64_t> frames;  // behind this one
  bool has_size = false;
  int64_t delay = 0;  // frames that the encoder added at the beginning, by its LAME header
};

XingHeader read_xing(const View& view, const Frame& first) {
  const std::string xing = view.bytes_at(xing_offset(first), 144);
  XingHeader header;
  header.found = xing.size() == 144 && (xing.starts_with("Xing") || xing.starts_with("Info"));
  if (!header.found) return header;
  const std::string_view bytes = xing;
  const uint64_t flags = number(bytes.substr(4), 4, Endian::big);
  if (flags & 1) header.frames = number(bytes.substr(8), 4, Endian::big);
  header.has_size = (flags & 3) == 3;
  const size_t lame = 8 + (flags & 1 ? 4 : 0) + (flags & 2 ? 4 : 0) + (flags & 4 ? 100 : 0) + (flags & 8 ? 4 : 0);
  if (xing[lame] != '\0') header.delay = static_cast<int64_t>(number(bytes.substr(lame + 21), 3, Endian::big) >> 12);
  return header;
}

}  // namespace

Container check_mpeg(const View& view) {
  const Frames all = walk(view);
  const uint64_t end = all.end, frames = all.places.size();
  const Frame& first = all.places[0].frame;
  if (!is_tag_or_zeros(view.bytes_at(end, 128)))
    throw_error<InputError>("{}: damaged: expected an MP3 frame at byte {}, got something else", view.name(), end);
  const XingHeader xing = read_xing(view, first);
  if (!xing.frames) {
    const std::string header = counting_frame(first, frames - xing.found);
    const uint64_t begin = xing.found ? first.size : 0;
    return {{SoundStream{{0, header.size(), header}, {view.begin + begin, end - begin}}}};
  }
  if (*xing.frames > frames - 1)
    throw_error<InputError>("{}: cut short: the header says {} MP3 frames, the file holds {}", view.name(),
                            *xing.frames, frames - 1);
  if (*xing.frames < frames - 1)
    throw_error<InputError>(
        "{}: the header says {} MP3 frames, the file holds {}: are there several recordings one after another?",
        view.name(), *xing.frames, frames - 1);
  if (!xing.has_size) return {{view.stream(end)}};
  // mpg123 writes a warning where this size is wrong.
  return {{view.stream(end, xing_offset(first) + 12, number_bytes(end, 4, Endian::big))}};
}

// Frames from before the excerpt to its end, behind a header that counts them. A frame of MP3 may begin in up to 511
// bytes of the frames before it, and overlaps with the one before.
std::optional<Excerpt> mpeg_excerpt(const View& view, int64_t begin, int64_t end) {
  constexpr int64_t decoder_delay = 529;     // frames that mpg123 leaves out, in the excerpt too
  constexpr uint64_t reservoir = 511;        // bytes
  constexpr size_t overlap = 8, phases = 8;  // frames; after as many the decoder's filter is where it began
  const Frames all = walk(view);
  const XingHeader xing = read_xing(view, all.places[0].frame);
  const std::span<const Place> places = std::span(all.places).subspan(xing.found);
  if (places.empty()) return std::nullopt;
  const int64_t samples = places[0].frame.mpeg1 ? 1152 : 576, shift = xing.delay + decoder_delay;
  const auto last = std::min(static_cast<size_t>((end + shift) / samples) + 1, places.size() - 1);
  size_t heard = static_cast<size_t>((begin + shift) / samples);
  if (heard >= places.size()) return std::nullopt;
  heard -= std::min(heard, overlap);
  size_t first = heard;
  for (uint64_t bytes = 0; first > 0 && bytes < reservoir;) {
    --first;
    bytes += places[first].frame.size - std::min(places[first].frame.size, xing_offset(places[first].frame));
  }
  first -= first % phases;
  const std::string header = counting_frame(places[0].frame, last - first + 1);
  SoundStream stream = {{0, header.size(), header}};
  uint64_t filled = 0;
  for (size_t i = first; i < heard && first > 0; ++i) {
    const Place& place = places[i];
    const std::string bytes = silent_head(place.frame, filled);
    stream.push_back({0, bytes.size(), bytes});
    stream.push_back({view.begin + place.begin + bytes.size(), place.frame.size - bytes.size()});
    filled += place.frame.size - bytes.size();
  }
  const uint64_t from = places[first > 0 ? heard : first].begin;
  stream.push_back({view.begin + from, places[last].begin + places[last].frame.size - from});
  const int64_t decoded = static_cast<int64_t>(last - first + 1) * samples - decoder_delay;
  const int64_t at = begin + shift - static_cast<int64_t>(first) * samples - decoder_delay;
  if (at < 0) return std::nullopt;
  return Excerpt{std::move(stream), decoded - at};
}

}  // namespace sunder
