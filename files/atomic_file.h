// Writes that happen completely or not at all, through a crash, a full disk or a kill -9: files that are replaced, and
// files that grow by records.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "files/file_descriptor.h"

namespace sunder {

// Writes the new content of `path` to a hidden file beside it, which commit() renames. Without a commit the old file
// stays as it was and the hidden one is removed. All functions throw Error "<path>: cannot be written: <reason>".
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  int descriptor() const { return file_.number(); }  // for libraries that write to a descriptor
  void write(std::span<const std::byte> bytes);
  void sync();  // to the disk, so that a crash after the commit cannot leave an empty file
  void commit();

 private:
  std::filesystem::path path_, temporary_;
  FileDescriptor file_;
};

// Replaces `path` by the pieces, one after another, synced to the disk with its folder. Throws as AtomicFile.
void write_file(const std::filesystem::path& path, const std::vector<std::span<const std::byte>>& pieces);
void write_file(const std::filesystem::path& path, std::string_view text);

// Syncs a folder's entries (renamed, new and removed files) to the disk. Throws Error.
void sync_folder(const std::filesystem::path& path);

// A file that records are appended to.
class AppendFile {
 public:
  // Opens the file, or creates it. Throws Error.
  explicit AppendFile(const std::filesystem::path& path);
  // Creates the file; empty if it exists already. Throws Error.
  static std::optional<AppendFile> create(const std::filesystem::path& path);

  // Where the record cannot be written completely, restores the old length of the file and throws Error.
  void append(std::string_view record);

  const std::filesystem::path& path() const { return path_; }

 private:
  AppendFile(std::filesystem::path path, FileDescriptor file) : path_(std::move(path)), file_(std::move(file)) {}

  std::filesystem::path path_;
  FileDescriptor file_;
};

}  // namespace sunder
