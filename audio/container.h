// Checks of audio containers. Our own code, because libsndfile accepts files that end before their header says, whose
// header gives fewer samples than follow, or whose pages are damaged, and twenty other formats.
#pragma once

#include <filesystem>

namespace sunder {

// Checks the chunks of a RIFF or RF64 (WAV) file and all pages of an OGG file; FLAC passes, its frames are checked
// while decoding. Throws InputError that says what was expected and found; any other format is an error.
void check_container(const std::filesystem::path& path);

}  // namespace sunder
