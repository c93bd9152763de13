// The containers of other systems: AIFF (Apple), AU (Sun), CAF (Apple) and NIST SPHERE (TIMIT, whose files are called
// .WAV).
#include <algorithm>
#include <charconv>
#include <optional>

#include "audio/containers/view.h"

namespace sunder {
namespace {

constexpr uint32_t no_size = 0xFFFFFFFF;

}  // namespace

// Sizes are big-endian; the samples in the SSND chunk follow 8 bytes. sox writes 0x7F000000 to a pipe.
Container check_aiff(const View& view) {
  uint64_t frames = 0, channels = 0, bits = 0;
  std::optional<Container> found;
  uint64_t sample_bytes = 0;
  for (uint64_t offset = 12; offset + 8 <= view.size;) {
    const std::string header = view.bytes_at(offset, 8);
    const uint64_t size = number(std::string_view(header).substr(4), 4, Endian::big);
    const uint64_t begin = offset + 8, left = view.size - begin;
    if (header.starts_with("COMM")) {
      channels = view.number_at(begin, 2, Endian::big), frames = view.number_at(begin + 2, 4, Endian::big);
      bits = view.number_at(begin + 6, 2, Endian::big);
    }
    if (header.starts_with("SSND")) {
      if (size == 0 || size == no_size || (size >= 0x7F000000 && size <= 0x7F000008)) {
        if (left > no_size)
          throw_error<InputError>("{}: expected at most 4 GiB of samples in an AIFF file, got {} bytes", view.name(),
                                  left);
        return {{view.stream(view.size, offset + 4, number_bytes(left, 4, Endian::big))}, true};
      }
      if (size > left) throw_cut_short(view, size - 8, left < 8 ? 0 : left - 8);
      found = Container{{view.stream(view.size)}}, sample_bytes = size < 8 ? 0 : size - 8;
    }
    if (size > left) break;
    offset = begin + size + size % 2;
  }
  if (!found)
    throw_error<InputError>("{}: cut short: an AIFF file without a chunk of samples ({} bytes)", view.name(),
                            view.size);
  // Compressed samples (AIFC) have fewer bits than are stated; those are refused or have 8.
  const bool whole = view.bytes_at(8, 4) == "AIFF";
  if (whole && frames * channels * ((bits + 7) / 8) > sample_bytes)
    throw_cut_short(view, frames * channels * ((bits + 7) / 8), sample_bytes);
  return *found;
}

Container check_au(const View& view) {
  const Endian endian = view.bytes_at(0, 4) == "dns." ? Endian::little : Endian::big;
  const uint64_t begin = view.number_at(4, 4, endian), size = view.number_at(8, 4, endian);
  if (view.size < 24 || begin > view.size)
    throw_error<InputError>("{}: cut short: the samples begin at byte {}, the file holds {}", view.name(), begin,
                            view.size);
  if (size == 0 || size == no_size) return {{view.stream(view.size, 8, number_bytes(no_size, 4, endian))}, true};
  if (size > view.size - begin) throw_cut_short(view, size, view.size - begin);
  return {{view.stream(view.size)}};
}

// Chunks have a type of 4 and a size of 8 bytes; the data chunk may have the size -1, and then is the last. The table
// of packets of compressed samples may follow it.
Container check_caf(const View& view) {
  bool data = false;
  for (uint64_t offset = 8; offset + 12 <= view.size;) {
    const std::string type = view.bytes_at(offset, 4);
    const uint64_t size = view.number_at(offset + 4, 8, Endian::big), left = view.size - offset - 12;
    if (type == "data" && (size == 0 || size == UINT64_MAX))
      return {{view.stream(view.size, offset + 4, number_bytes(left, 8, Endian::big))}, true};
    if (size > left && (!data || type == "pakt")) throw_cut_short(view, size, left);
    data = data || type == "data";
    if (size > left) break;
    offset += 12 + size;
  }
  if (!data)
    throw_error<InputError>("{}: cut short: a CAF file without a data chunk ({} bytes)", view.name(), view.size);
  return {{view.stream(view.size)}};
}

// A header of text, "key -i number" a line; libsndfile takes everything behind it for samples.
Container check_nist(const View& view) {
  const std::string size_line = view.bytes_at(8, 8);
  uint64_t header_size = 0;
  const size_t digit = std::min(size_line.find_first_not_of(' '), size_line.size());
  std::from_chars(size_line.data() + digit, size_line.data() + size_line.size(), header_size);
  const std::string header = view.bytes_at(0, std::min<uint64_t>(header_size, 1 << 16));
  if (header.find("shorten") != std::string::npos)
    throw_error<InputError>(
        "{}: expected samples that are not compressed in a NIST file, got \"shorten\" (see sph2pipe)", view.name());
  const auto value = [&](const std::string& key, uint64_t otherwise) {
    const size_t at = header.find("\n" + key + " -i ");
    if (at == std::string::npos) return otherwise;
    uint64_t result = 0;
    std::from_chars(header.data() + at + key.size() + 5, header.data() + header.size(), result);
    return result;
  };
  constexpr uint64_t most = uint64_t{1} << 40;  // so that the product below cannot overflow
  const uint64_t frames = std::min(value("sample_count", 0), most), channels = value("channel_count", 1);
  const uint64_t frame = std::min<uint64_t>(channels, 1024) * std::min<uint64_t>(value("sample_n_bytes", 2), 8);
  if (header_size > view.size || frames * frame > view.size - header_size)
    throw_cut_short(view, frames * frame, view.size - std::min(header_size, view.size));
  if (frames == 0) return {{view.stream(view.size)}, true};
  return {{view.stream(header_size + frames * frame)}};
}

}  // namespace sunder
