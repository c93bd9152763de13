// What the checks of containers share: a file without the tags around it, and the numbers of headers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "audio/containers/container.h"
#include "audio/containers/excerpt.h"
#include "tensor/error.h"

namespace sunder {

enum class Endian { little, big };

// The first bytes of `bytes` as an unsigned number; 0 where there are too few.
uint64_t number(std::string_view bytes, size_t count, Endian endian);
std::string number_bytes(uint64_t value, size_t count, Endian endian);

// The bytes of a file from `begin` on; offsets count from there.
struct View {
  const InputFile& file;
  uint64_t begin = 0, size = 0;

  std::string name() const { return file.name(); }
  std::string bytes_at(uint64_t offset, size_t count) const {
    return offset >= size
               ? ""
               : file.bytes_at(begin + offset, static_cast<size_t>(std::min<uint64_t>(count, size - offset)));
  }
  uint64_t number_at(uint64_t offset, size_t count, Endian endian) const {
    return number(bytes_at(offset, count), count, endian);
  }
  // The first `end` bytes as one stream, with `bytes` instead of those at `at` if there are any.
  SoundStream stream(uint64_t end, uint64_t at = 0, const std::string& bytes = "") const;
};

// "<file>: cut short: the header says <claimed> bytes of samples, the file holds <found>".
[[noreturn]] void throw_cut_short(const View& view, uint64_t claimed, uint64_t found);

// Of the data chunk of a WAV file with blocks of so many bytes: what programs write that cannot go back to the header
// (ffmpeg, arecord, and sox the largest whole number of blocks up to 0x7FFFF000).
bool stands_for_no_size(uint64_t size, uint64_t block);
// Whether these 8 bytes could be the header of a chunk behind the samples, or padding. The chunk may be cut.
bool is_chunk_or_zeros(std::string_view header);

// One check per kind of container, of a file that begins as that kind does.
Container check_riff(const View& view);
Container check_w64(const View& view);
Container check_aiff(const View& view);
Container check_au(const View& view);
Container check_caf(const View& view);
Container check_nist(const View& view);
Container check_flac(const View& view, Depth depth);
Container check_ogg(const View& view, Depth depth);
Container check_mpeg(const View& view);

// As find_excerpt.
std::optional<Excerpt> ogg_excerpt(const View& view, int64_t length, int64_t begin, int64_t end);
std::optional<Excerpt> mpeg_excerpt(const View& view, int64_t begin, int64_t end);

}  // namespace sunder
