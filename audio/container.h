// What libsndfile forgives and we do not: containers that end before their header says, or whose header names fewer
// samples than follow.
#pragma once

#include <filesystem>

namespace sunder {

// Looks at the chunks of a RIFF or RF64 (WAV) file and at the last page of an OGG file; other formats pass, their
// frame count is checked while decoding. Throws InputError naming the size expected and the size found.
void check_container(const std::filesystem::path& path);

}  // namespace sunder
