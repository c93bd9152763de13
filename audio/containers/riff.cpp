// WAV: RIFF, RIFX (big-endian) and RF64 (EBU Tech 3306); and Sony's W64, the same with 64-bit sizes.
#include <algorithm>
#include <cctype>

#include "audio/containers/view.h"

namespace sunder {
namespace {

constexpr uint64_t wrapped = uint64_t{1} << 32;
constexpr uint32_t no_size = 0xFFFFFFFF;  // written to a pipe by ffmpeg; RF64: the size is in its ds64 chunk

bool has_letters(std::string_view header) {
  const auto letter = [](unsigned char c) { return std::isprint(c) != 0; };
  return header.size() == 8 && std::all_of(header.begin(), header.begin() + 4, letter);
}

bool is_whole_chunk(const View& view, uint64_t offset, Endian endian) {
  return has_letters(view.bytes_at(offset, 8)) && view.number_at(offset + 4, 4, endian) <= view.size - offset - 8;
}

// `size`: of the samples, that begin at `begin`. `riff_end`: where the header says that the file ends.
void check_behind_samples(const View& view, uint64_t begin, uint64_t size, uint64_t riff_end) {
  const uint64_t end = begin + size + size % 2;
  const std::string next = view.bytes_at(end, 8);
  for (const char* another : {"RIFF", "RIFX", "RF64"})
    if (next.starts_with(another))
      throw_error<InputError>("{}: expected one WAV file, got another one behind its end at byte {}", view.name(), end);
  // Some programs leave the byte out that makes chunks even.
  if (riff_end > end && !is_chunk_or_zeros(next) && !(size % 2 == 1 && has_letters(view.bytes_at(end - 1, 8))))
    throw_error<InputError>(
        "{}: the header says {} bytes of samples, but the {} bytes after them are not a "
        "chunk of a WAV file",
        view.name(), size, view.size - end);
}

// A header of RF64 instead: libsndfile reads at most 4 GiB behind one of RIFF. `at`: of the data chunk.
SoundStream as_rf64(const View& view, uint64_t at, uint64_t data_size) {
  const auto word = [](uint64_t value, size_t count) { return number_bytes(value, count, Endian::little); };
  const std::string ds64 = "ds64" + word(28, 4) + word(view.size + 28, 8) + word(data_size, 8) + std::string(12, '\0');
  const std::string head = "RF64" + word(no_size, 4) + "WAVE" + ds64, data = "data" + word(no_size, 4);
  return {{0, head.size(), head},
          {view.begin + 12, at - 12},
          {0, data.size(), data},
          {view.begin + at + 8, view.size - at - 8}};
}

// The data chunk at `at` of a file that does not say how long it is.
Container open_ended(const View& view, uint64_t at, Endian endian) {
  const uint64_t left = view.size - at - 8;
  if (left <= no_size) return {{view.stream(view.size, at + 4, number_bytes(no_size, 4, endian))}, true};
  if (endian == Endian::big)
    throw_error<InputError>("{}: expected at most 4 GiB of samples in a RIFX file, got {} bytes", view.name(), left);
  return {{as_rf64(view, at, left)}, true};
}

}  // namespace

bool stands_for_no_size(uint64_t size, uint64_t block) {
  return size == no_size || size == 0x80000000 || size == 0x7FFFFFFF || size == 0x7FFFFF00 ||
         (size <= 0x7FFFF000 && size + std::max<uint64_t>(block, 1) > 0x7FFFF000);
}

bool is_chunk_or_zeros(std::string_view header) {
  return header.size() < 8 || has_letters(header) || header.find_first_not_of('\0') == std::string::npos;
}

Container check_riff(const View& view) {
  const Endian endian = view.bytes_at(0, 4) == "RIFX" ? Endian::big : Endian::little;
  const uint64_t riff_size = view.number_at(4, 4, endian);
  uint64_t ds64 = 0, data_size_64 = 0, block = 0;
  for (uint64_t offset = 12; offset + 8 <= view.size;) {
    const std::string header = view.bytes_at(offset, 8);
    uint64_t size = number(std::string_view(header).substr(4), 4, endian);
    const uint64_t begin = offset + 8, left = view.size - begin;
    if (header.starts_with("fmt ")) block = view.number_at(begin + 12, 2, endian);
    if (header.starts_with("ds64")) ds64 = begin, data_size_64 = view.number_at(begin + 8, 8, endian);
    if (header.starts_with("data")) {
      const bool streamed_64 = ds64 != 0 && (data_size_64 == 0 || data_size_64 == UINT64_MAX);
      if (size == no_size && ds64 != 0 && !streamed_64) size = data_size_64;
      else if (size == no_size && ds64 != 0 && left > 0)
        return {{view.stream(view.size, ds64, number_bytes(view.size - 8, 8, endian) + number_bytes(left, 8, endian))},
                true};
      else if (stands_for_no_size(size, block) || (size == 0 && left > 0 && !is_whole_chunk(view, begin, endian)))
        return open_ended(view, offset, endian);
      // Some programs write longer files under a size modulo 2^32.
      if (ds64 == 0 && left >= size + wrapped && endian == Endian::little) {
        const uint64_t whole = left - (left - size) % wrapped;
        return {{as_rf64(view, offset, whole)}};
      }
      if (size == 0) throw_error<InputError>("{}: holds no samples", view.name());
      if (size > left) throw_cut_short(view, size, left);
      check_behind_samples(view, begin, size, riff_size == no_size ? 0 : riff_size + 8);
      return {{view.stream(view.size)}};
    }
    offset = begin + size + size % 2;
  }
  throw_error<InputError>("{}: cut short: a WAV file without a data chunk ({} bytes)", view.name(), view.size);
}

// Chunks have a GUID and a size that counts its own header of 24 bytes, and begin at multiples of 8 bytes. libsndfile
// takes everything behind the header of the data chunk for samples.
Container check_w64(const View& view) {
  for (uint64_t offset = 40; offset + 24 <= view.size;) {
    const uint64_t size = view.number_at(offset + 16, 8, Endian::little), left = view.size - offset;
    if (view.bytes_at(offset, 4) == "data") {
      if (size <= 24 || size >= INT64_MAX) return {{view.stream(view.size)}, true};
      if (size > left) throw_cut_short(view, size - 24, left - 24);
      return {{view.stream(offset + size)}};
    }
    if (size < 24 || size > left) break;
    offset += (size + 7) / 8 * 8;
  }
  throw_error<InputError>("{}: cut short: a W64 file without a data chunk ({} bytes)", view.name(), view.size);
}

}  // namespace sunder
