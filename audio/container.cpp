#include "audio/container.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <fstream>
#include <map>
#include <string>
#include <string_view>

#include "tensor/error.h"

namespace sunder {
namespace {

uint64_t little_endian(const char* bytes, int count) {
  uint64_t value = 0;
  for (int i = count - 1; i >= 0; --i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

// Reads up to `count` bytes at `offset`; fewer at the end of the file.
std::string bytes_at(std::ifstream& file, uint64_t offset, size_t count) {
  std::string bytes(count, '\0');
  file.clear();
  file.seekg(static_cast<std::streamoff>(offset));
  file.read(bytes.data(), static_cast<std::streamsize>(count));
  bytes.resize(static_cast<size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  return bytes;
}

// Whether this could be a chunk header: four printable letters and a size that fits into the file.
bool is_chunk(const std::string& header, uint64_t bytes_left) {
  return header.size() == 8 &&
         std::all_of(header.begin(), header.begin() + 4, [](unsigned char c) { return std::isprint(c) != 0; }) &&
         little_endian(&header[4], 4) <= bytes_left - 8;
}

void check_riff(const std::filesystem::path& path, std::ifstream& file, uint64_t file_size) {
  constexpr uint32_t streamed = 0xFFFFFFFF;  // written to a pipe, or RF64 whose sizes are in its ds64 chunk
  const uint64_t riff_size = little_endian(bytes_at(file, 4, 4).data(), 4);
  uint64_t data_size_64 = 0;
  for (uint64_t offset = 12; offset + 8 <= file_size;) {
    const std::string header = bytes_at(file, offset, 8);
    uint64_t size = little_endian(&header[4], 4);
    if (header.starts_with("ds64") && offset + 24 <= file_size)
      data_size_64 = little_endian(bytes_at(file, offset + 16, 8).data(), 8);
    if (header.starts_with("data")) {
      if (size == streamed) {
        if (data_size_64 == 0) return;
        size = data_size_64;
      }
      const uint64_t begin = offset + 8;
      if (size > file_size - begin)
        throw_error<InputError>("{}: cut short: the header says {} bytes of samples, the file holds {}", path.string(),
                                size, file_size - begin);
      const uint64_t end = begin + size + size % 2;
      if (riff_size != streamed && riff_size + 8 > end && end + 8 <= file_size &&
          !is_chunk(bytes_at(file, end, 8), file_size - end))
        throw_error<InputError>(
            "{}: the header says {} bytes of samples, but the {} bytes after them are not a "
            "chunk of a WAV file",
            path.string(), size, file_size - end);
      return;
    }
    offset += 8 + size + size % 2;
  }
  throw_error<InputError>("{}: cut short: a WAV file without a data chunk ({} bytes)", path.string(), file_size);
}

// CRC-32 of an OGG page: polynomial 0x04c11db7, most significant bit first, from 0 (RFC 3533, section 6).
uint32_t ogg_checksum(std::string_view page) {
  static constexpr auto table = [] {
    std::array<uint32_t, 256> sums{};
    for (uint32_t byte = 0; byte < 256; ++byte) {
      sums[byte] = byte << 24;
      for (int bit = 0; bit < 8; ++bit) sums[byte] = sums[byte] << 1 ^ (sums[byte] >> 31 ? 0x04c11db7u : 0u);
    }
    return sums;
  }();
  uint32_t sum = 0;
  for (const char c : page) sum = sum << 8 ^ table[sum >> 24 ^ static_cast<uint8_t>(c)];
  return sum;
}

// Every page of the stream (RFC 3533, section 6): libsndfile skips a damaged or missing page and returns a shorter
// signal. The end-of-stream flag is no test: some encoders do not set it.
void check_ogg(const std::filesystem::path& path, std::ifstream& file, uint64_t file_size) {
  constexpr size_t header_size = 27, checksum_at = 22;
  std::map<uint64_t, uint64_t> pages;  // how many so far, by serial number of the stream
  for (uint64_t offset = 0; offset < file_size;) {
    const std::string header = bytes_at(file, offset, header_size + 255);
    if (!header.starts_with("OggS"))
      throw_error<InputError>("{}: expected a page of the OGG stream at byte {}, got something else", path.string(),
                              offset);
    const size_t segments = header.size() < header_size ? 0 : static_cast<uint8_t>(header[header_size - 1]);
    size_t size = header_size + segments;
    for (size_t i = header_size; i < std::min(header_size + segments, header.size()); ++i)
      size += static_cast<uint8_t>(header[i]);
    if (size > file_size - offset)
      throw_error<InputError>("{}: cut short: the last page of the OGG stream is incomplete", path.string());
    std::string page = bytes_at(file, offset, size);
    const uint64_t checksum = little_endian(&page[checksum_at], 4);
    std::fill_n(&page[checksum_at], 4, '\0');
    if (ogg_checksum(page) != checksum)
      throw_error<InputError>("{}: damaged: the page of the OGG stream at byte {} has a wrong checksum", path.string(),
                              offset);
    const uint64_t stream = little_endian(&page[14], 4), sequence = little_endian(&page[18], 4);
    const bool first = page[5] & 2;  // chained streams may have the same serial number
    const uint64_t expected = first ? 0 : pages[stream];
    if (sequence != expected)
      throw_error<InputError>("{}: damaged: expected page {} of the OGG stream at byte {}, got page {}", path.string(),
                              expected, offset, sequence);
    pages[stream] = sequence + 1;
    offset += size;
  }
}

}  // namespace

void check_container(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const uint64_t file_size = std::filesystem::file_size(path);
  const std::string head = bytes_at(file, 0, 12);
  const bool wav = (head.starts_with("RIFF") || head.starts_with("RF64")) && head.size() == 12;
  if (wav) check_riff(path, file, file_size);
  else if (head.starts_with("OggS")) check_ogg(path, file, file_size);
  else if (!head.starts_with("fLaC"))
    throw_error<InputError>("{}: cannot be read as audio: expected a WAV, FLAC or OGG file", path.string());
}

}  // namespace sunder
