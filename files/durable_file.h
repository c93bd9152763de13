// Files that are whole or absent after a crash, a full disk or a kill -9: written beside their place, synced, renamed.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace sunder {

// Replaces `path` by the pieces, one after another. On any failure the old file stays as it was and nothing is left
// behind; throws Error with the path and the system's reason.
void write_file(const std::filesystem::path& path, const std::vector<std::span<const std::byte>>& pieces);
void write_file(const std::filesystem::path& path, std::string_view text);

// Makes a folder's entries (its renames, new and removed files) last. Throws Error.
void sync_folder(const std::filesystem::path& path);

}  // namespace sunder
