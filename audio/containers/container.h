// Checks of audio containers. Our own code, because libsndfile accepts files that end before their header says, whose
// header gives fewer samples than follow, or whose pages are damaged, takes no size for the true one, stops at the end
// of the first of several chained streams and guesses how long an MP3 file is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "audio/input_file.h"

namespace sunder {

// A part of what a decoder reads: bytes of the file, or bytes that stand for what its header should say.
struct Piece {
  uint64_t begin = 0, size = 0;
  std::string bytes{};  // if any, instead of the file's
};
using SoundStream = std::vector<Piece>;

struct Container {
  std::vector<SoundStream> streams;  // to be decoded one after another: several for a chained OGG file
  bool open_ended = false;           // does not say how long it is: the samples run to the end of the file
};

// `headers` reads only what says where the samples are and how many; `whole` looks at every byte where the container
// has a checksum (OGG) or may go on behind its end (FLAC).
enum class Depth { headers, whole };

// Finds out what the file holds by its first bytes and checks it: WAV (RIFF, RIFX, RF64), W64, AIFF, AU, CAF, NIST,
// FLAC, OGG and MP3, also behind an ID3 tag. Throws InputError that says what was expected and found, for a file that
// is cut short, damaged, or of another kind.
Container check_container(const InputFile& file, Depth depth);

// Whether these first bytes of a file (twelve or more) are those of a container that check_container knows.
bool begins_as_audio(std::string_view bytes);
[[noreturn]] void throw_unknown_container(const std::filesystem::path& path);

}  // namespace sunder
