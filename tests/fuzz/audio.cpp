// Sound files (audio/file.h): the header and the samples agree, samples are finite, the same in ranges and when they
// are written and read again, no beginning of a WAV file passes for a shorter signal, and no damaged OGG file for
// whole.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>

#include "audio/containers/container.h"
#include "audio/file.h"
#include "contract.h"

namespace sunder {
namespace {

Audio read_whole(const std::filesystem::path& path) { return read_audio(path); }

bool same(const Audio& a, const Audio& b) {
  return a.channels == b.channels && a.sample_rate == b.sample_rate && a.frames == b.frames &&
         a.samples.size() == b.samples.size() &&
         std::memcmp(a.samples.data(), b.samples.data(), a.samples.size() * sizeof(float)) == 0;
}

void check(const Audio& audio, const std::optional<AudioInfo>& info) {
  SUNDER_PROMISE(info && info->channels == audio.channels && info->sample_rate == audio.sample_rate &&
                 info->frames == audio.frames);
  SUNDER_PROMISE(audio.samples.size() == static_cast<size_t>(audio.frames) * audio.channels);
  SUNDER_PROMISE(std::all_of(audio.samples.begin(), audio.samples.end(), [](float x) { return std::isfinite(x); }));
  const auto copy = fuzz::output_folder() / "copy.wav";
  write_wav(copy, audio.samples, audio.sample_rate, WavFormat::float32, audio.channels);
  SUNDER_PROMISE(same(read_audio(copy), audio));
}

// A part is what the whole has there. In lossy codecs a damaged file may decode differently from another frame on.
void check_range(const std::filesystem::path& path, std::string_view bytes, const Audio& audio) {
  const int64_t begin = audio.frames / 3, frames = audio.frames - audio.frames / 2 - 1;
  const auto read_part = [&](const std::filesystem::path& from) { return read_audio(from, begin, frames); };
  const auto part = fuzz::accepted<InputError>(read_part, path);
  const bool exact = bytes.starts_with("RI") || bytes.starts_with("FORM");
  SUNDER_PROMISE(part || !exact);
  if (part) SUNDER_PROMISE(part->frames == frames && part->channels == audio.channels);
  if (exact)
    SUNDER_PROMISE(
        std::equal(part->samples.begin(), part->samples.end(), audio.samples.begin() + begin * audio.channels));
}

// Where a WAV file says how long it is; one that was written to a pipe does not.
void check_cut(std::string_view bytes, const Audio& audio) {
  if (!bytes.starts_with("RIFF")) return;
  const InputFile file(fuzz::memory_file<1>(bytes));
  if (check_container(file, Depth::whole).open_ended) return;
  for (const size_t size : {bytes.size() - 1, bytes.size() * 3 / 4, bytes.size() / 2}) {
    const auto cut = fuzz::accepted<InputError>(read_whole, fuzz::memory_file<1>(bytes.substr(0, size)));
    SUNDER_PROMISE(!cut || same(*cut, audio));
  }
}

// A page of an OGG stream has a checksum: no flipped bit passes.
void check_flip(std::string_view bytes) {
  if (!bytes.starts_with("OggS")) return;
  std::string flipped(bytes);
  const size_t bit = std::hash<std::string_view>()(bytes) % (8 * bytes.size());
  flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
  SUNDER_PROMISE(!fuzz::accepted<InputError>(read_whole, fuzz::memory_file<1>(flipped)));
}

}  // namespace
}  // namespace sunder

// libsndfile 1.2 forgets the Vorbis headers of a file that it refuses after it has begun to read them (a few KiB).
extern "C" const char* __lsan_default_suppressions() {
  return "leak:vorbis_info_init\nleak:vorbis_synthesis_headerin\n";
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sunder;
  const fuzz::TimeLimit limit;
  const auto path = fuzz::memory_file(fuzz::text(data, size));
  const auto info = fuzz::accepted<InputError>(audio_info, path);
  if (info) SUNDER_PROMISE(info->channels > 0 && info->sample_rate > 0 && info->frames > 0);
  const auto audio = fuzz::accepted<InputError>(read_whole, path);
  const auto mono = fuzz::accepted<InputError>(read_mono, path);
  SUNDER_PROMISE(mono.has_value() == (audio && audio->channels == 1));
  if (audio) {
    check(*audio, info);
    if (mono) SUNDER_PROMISE(same(*mono, *audio));
    check_range(path, fuzz::text(data, size), *audio);
    check_cut(fuzz::text(data, size), *audio);
    check_flip(fuzz::text(data, size));
  }
  return 0;
}

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

// The checksum of each OGG page (RFC 3533, section 6: polynomial 0x04c11db7, not reflected, its own field as zero) is
// made right again: readers drop pages whose sum is wrong, and nothing behind the page header would ever be tested.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  size = LLVMFuzzerMutate(data, size, max_size);
  for (size_t page = 0; seed % 4 != 0 && page + 27 <= size && std::memcmp(data + page, "OggS", 4) == 0;) {
    size_t end = page + 27 + data[page + 26];
    for (size_t i = page + 27; i < std::min(page + 27 + data[page + 26], size); ++i) end += data[i];
    end = std::min(end, size);
    std::memset(data + page + 22, 0, 4);
    uint32_t sum = 0;
    for (size_t i = page; i < end; ++i) {
      sum ^= static_cast<uint32_t>(data[i]) << 24;
      for (int bit = 0; bit < 8; ++bit) sum = sum << 1 ^ (sum >> 31 ? 0x04c11db7u : 0u);
    }
    std::memcpy(data + page + 22, &sum, 4);
    page = end;
  }
  return size;
}
