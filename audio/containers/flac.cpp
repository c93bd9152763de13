#include "audio/containers/view.h"

namespace sunder {
namespace {

// Bytes of STREAMINFO (34 of them), the first block of every FLAC stream, in front of its content: last-block flag and
// type 0, and the size.
constexpr std::string_view stream_starts[] = {{"fLaC\x00\x00\x00\x22", 8}, {"fLaC\x80\x00\x00\x22", 8}};

// libsndfile reads as many samples as the first header says.
void refuse_second_stream(const View& view) {
  constexpr size_t block_size = size_t{1} << 20;
  for (uint64_t offset = 4; offset < view.size; offset += block_size - 8) {
    const std::string block = view.bytes_at(offset, block_size);
    for (const std::string_view start : stream_starts)
      if (const size_t at = block.find(start); at != std::string::npos)
        throw_error<InputError>("{}: expected one FLAC stream, got another one behind it at byte {}", view.name(),
                                offset + at);
  }
}

}  // namespace

// Frames are checked while decoding. The number of samples is 36 bits from byte 21 on, 0 where it was not known (RFC
// 9639, section 8.2).
Container check_flac(const View& view, Depth depth) {
  if (view.size < 42)
    throw_error<InputError>("{}: cut short: a FLAC file of {} bytes without a header", view.name(), view.size);
  if (depth == Depth::whole) refuse_second_stream(view);
  const bool open_ended = (view.number_at(21, 1, Endian::big) & 0xF) == 0 && view.number_at(22, 4, Endian::big) == 0;
  return {{view.stream(view.size)}, open_ended};
}

}  // namespace sunder
