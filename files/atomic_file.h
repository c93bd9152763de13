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
#include "files/output_target.h"
#include "files/temporary.h"

namespace sunder {

// Writes the new content of `path` to a hidden file, which commit() puts in its place. Without a commit the old file
// stays as it was and the hidden one is removed. Where `path` is a link, the file that it leads to is replaced or made;
// its mode and owner stay, other hard links keep the old content. What is no regular file (a device, a FIFO,
// /dev/stdout) gets the content at the commit, and stays what it is.
// All functions throw Error "<path>: cannot be written: <reason>".
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // For libraries that write to a descriptor: always of a file that can be read and sought in.
  int descriptor() const { return temporary_.open() ? temporary_.descriptor() : staged_.number(); }
  void write(std::span<const std::byte> bytes);
  // Synced to the disk, with its folder, so that a crash cannot leave an empty file; except in an output folder, which
  // is synced at once (files/output_folder.h).
  void commit();

 private:
  std::filesystem::path path_;
  OutputTarget target_;
  Temporary temporary_;              // beside the file that is replaced
  FileDescriptor staged_, through_;  // for what is written through
};

// Replaces `path` by the pieces, one after another. Throws as AtomicFile.
void write_file(const std::filesystem::path& path, const std::vector<std::span<const std::byte>>& pieces);
void write_file(const std::filesystem::path& path, std::string_view text);

// Syncs a folder's entries (renamed, new and removed files) to the disk, as far as its file system can. Throws Error.
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
