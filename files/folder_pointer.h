// A name that stands for another folder, such as `best` for step-00001200: a symbolic link or, where a disk has none
// (FAT, some network disks and archives), a text file that holds the folder's path. Copies that follow links make it
// a folder of its own.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace sunder {

// `path` itself, or the folder that a text file of this name points to.
std::filesystem::path follow_pointer(const std::filesystem::path& path);

// The folder, without links; none where the name does not exist or points to nothing. Throws ReadError where the
// system does not say.
std::optional<std::filesystem::path> pointed_folder(const std::filesystem::path& pointer);

// The system's symlink(), which a test can replace.
using MakeLink = int (*)(const char* target, const char* path);
int make_symlink(const char* target, const char* path);

// Points to `target`, relative to the pointer's folder: completely or not at all. What stands at `pointer` must not be
// a folder. Throws Error.
void write_pointer(const std::filesystem::path& pointer, const std::string& target, MakeLink make_link = make_symlink);

// The hidden name that write_pointer works under; a kill may leave it.
std::filesystem::path unfinished_pointer(const std::filesystem::path& pointer);

}  // namespace sunder
