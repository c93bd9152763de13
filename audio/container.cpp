#include "audio/container.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

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

// A chunk header that could be one: four printable letters and a size that ends within the file.
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
        throw_error<InputError>("{}: cut short: the header promises {} bytes of samples, the file holds {}",
                                path.string(), size, file_size - begin);
      const uint64_t end = begin + size + size % 2;
      if (riff_size != streamed && riff_size + 8 > end && end + 8 <= file_size &&
          !is_chunk(bytes_at(file, end, 8), file_size - end))
        throw_error<InputError>(
            "{}: the header promises {} bytes of samples, but {} bytes follow them that are no "
            "chunk of a WAV file",
            path.string(), size, file_size - end);
      return;
    }
    offset += 8 + size + size % 2;
  }
  throw_error<InputError>("{}: cut short: a WAV file without a data chunk ({} bytes)", path.string(), file_size);
}

// The last page of an OGG stream (RFC 3533, section 6) ends with the file. Its end-of-stream flag is no test: there are
// encoders that do not set it.
void check_ogg(const std::filesystem::path& path, std::ifstream& file, uint64_t file_size) {
  constexpr uint64_t largest_page = 27 + 255 + 255 * 255;
  const uint64_t tail_begin = file_size > largest_page ? file_size - largest_page : 0;
  const std::string tail = bytes_at(file, tail_begin, largest_page);
  const size_t page = tail.rfind("OggS");
  bool whole = page != std::string::npos && page + 27 <= tail.size();
  if (whole) {
    const size_t segments = static_cast<uint8_t>(tail[page + 26]);
    whole = page + 27 + segments <= tail.size();
    size_t page_size = 27 + segments;
    for (size_t i = 0; whole && i < segments; ++i) page_size += static_cast<uint8_t>(tail[page + 27 + i]);
    whole = whole && page + page_size <= tail.size();
  }
  if (!whole) throw_error<InputError>("{}: cut short: the last page of the OGG stream is not whole", path.string());
}

}  // namespace

void check_container(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const uint64_t file_size = std::filesystem::file_size(path);
  const std::string head = bytes_at(file, 0, 12);
  const bool wav = (head.starts_with("RIFF") || head.starts_with("RF64")) && head.size() == 12;
  if (wav) check_riff(path, file, file_size);
  if (head.starts_with("OggS")) check_ogg(path, file, file_size);
}

}  // namespace sunder
