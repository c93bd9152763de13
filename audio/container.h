// What libsndfile forgives and we do not: containers that end before their header says or whose header names fewer
// samples than follow, damaged pages, and the twenty other formats that it takes a file for.
#pragma once

#include <filesystem>

namespace sunder {

// Looks at the chunks of a RIFF or RF64 (WAV) file and at all pages of an OGG file; FLAC passes, its frames are checked
// while decoding. Throws InputError for any other format, or naming what was expected and what was found.
void check_container(const std::filesystem::path& path);

}  // namespace sunder
