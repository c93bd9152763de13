#include "audio/containers/container.h"

#include <algorithm>

#include "audio/containers/view.h"

namespace sunder {
namespace {

constexpr std::string_view w64_riff("riff\x2E\x91\xCF\x11\xA5\xD6\x28\xDB", 12);

bool is_mpeg(std::string_view head) {
  return head.size() > 3 && static_cast<uint8_t>(head[0]) == 0xFF && (static_cast<uint8_t>(head[1]) & 0xE0) == 0xE0 &&
         (head[1] >> 1 & 3) == 1;  // layer 3
}

bool is_riff(std::string_view head) {
  return head.starts_with("RIFF") || head.starts_with("RF64") || head.starts_with("RIFX");
}

// Bytes of the ID3 tag at the beginning (ID3v2.4, section 3.1), with its footer.
uint64_t tag_size(std::string_view head) {
  if (!head.starts_with("ID3") || head.size() < 10) return 0;
  uint64_t size = 0;
  for (int i = 6; i < 10; ++i) size = size << 7 | (static_cast<uint8_t>(head[i]) & 0x7F);
  return 10 + size + (head[5] & 0x10 ? 10 : 0);
}

// The file behind its ID3 tags.
View without_tags(const InputFile& file) {
  View view{file, 0, file.size()};
  while (const uint64_t tag = tag_size(view.bytes_at(0, 10))) {
    if (tag >= view.size)
      throw_error<InputError>("{}: cut short: an ID3 tag of {} bytes, of which the file holds {}, and no samples",
                              view.name(), tag, view.size);
    view.begin += tag, view.size -= tag;
  }
  return view;
}

}  // namespace

uint64_t number(std::string_view bytes, size_t count, Endian endian) {
  if (bytes.size() < count) return 0;
  uint64_t value = 0;
  for (size_t i = 0; i < count; ++i)
    value = value << 8 | static_cast<uint8_t>(bytes[endian == Endian::little ? count - 1 - i : i]);
  return value;
}

std::string number_bytes(uint64_t value, size_t count, Endian endian) {
  std::string bytes(count, '\0');
  for (size_t i = 0; i < count; ++i)
    bytes[endian == Endian::little ? i : count - 1 - i] = static_cast<char>(value >> 8 * i);
  return bytes;
}

SoundStream View::stream(uint64_t end, uint64_t at, const std::string& bytes) const {
  if (bytes.empty()) return {{begin, end}};
  return {{begin, at}, {0, bytes.size(), bytes}, {begin + at + bytes.size(), end - at - bytes.size()}};
}

void throw_cut_short(const View& view, uint64_t claimed, uint64_t found) {
  throw_error<InputError>("{}: cut short: the header says {} bytes of samples, the file holds {}", view.name(), claimed,
                          found);
}

bool begins_as_audio(std::string_view head) {
  for (const std::string_view known : {"OggS", "fLaC", "FORM", ".snd", "dns.", "caff", "ID3"})
    if (head.starts_with(known)) return true;
  return is_riff(head) || head.starts_with(w64_riff) || head.starts_with("NIST_1A\n") || is_mpeg(head);
}

void throw_unknown_container(const std::filesystem::path& path) {
  throw_error<InputError>(
      "{}: cannot be read as audio: expected a WAV, FLAC, OGG, MP3, AIFF, AU, CAF, W64 or NIST file", path.string());
}

Container check_container(const InputFile& file, Depth depth) {
  const View view = without_tags(file);
  const std::string head = view.bytes_at(0, 16);
  if (is_riff(head) && head.size() >= 12) return check_riff(view);
  if (head.starts_with("OggS")) return check_ogg(view, depth);
  if (head.starts_with("fLaC")) return check_flac(view, depth);
  if (head.starts_with("FORM")) return check_aiff(view);
  if (head.starts_with(".snd") || head.starts_with("dns.")) return check_au(view);
  if (head.starts_with("caff")) return check_caf(view);
  if (head.starts_with(w64_riff)) return check_w64(view);
  if (head.starts_with("NIST_1A\n")) return check_nist(view);
  if (is_mpeg(head)) return check_mpeg(view);
  throw_unknown_container(file.path());
}

std::optional<Excerpt> find_excerpt(const InputFile& file, const SoundStream& stream, int64_t length, int64_t begin,
                                    int64_t end) {
  const View whole = without_tags(file);
  if (whole.bytes_at(0, 4) != "OggS") return mpeg_excerpt(whole, begin, end);
  return ogg_excerpt({file, stream[0].begin, stream[0].size}, length, begin, end);
}

}  // namespace sunder
