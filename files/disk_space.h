// Room on a disk, asked for before hours of writing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace sunder {

// "21.9 GB" (powers of 1000), "3.1 MB", "12 kB".
std::string size_text(uint64_t bytes);

// What the file system of `folder`, which exists, has left for this user; the largest number where it does not say.
uint64_t free_bytes(const std::filesystem::path& folder);

}  // namespace sunder
