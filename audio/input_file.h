// A file that is opened once and can be read at any place, whatever stands at its path.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "files/file_descriptor.h"

namespace sunder {

// Bytes that a decoder reads.
class InputBytes {
 public:
  explicit InputBytes(std::filesystem::path path) : path_(std::move(path)) {}
  virtual ~InputBytes() = default;

  const std::filesystem::path& path() const { return path_; }
  std::string name() const { return path_.string(); }
  // Reads up to `count` bytes, fewer at the end. False where the system refuses (errno).
  virtual bool read(uint64_t offset, char* to, size_t& count) const = 0;

 private:
  std::filesystem::path path_;
};

// What comes from a pipe, FIFO or device is copied to a temporary file without a name first. Throws InputError for a
// path where no file is or that may not be read, for a folder, an empty file and a pipe that does not begin as a sound
// file does; Error with the system's reason for everything that is not the file's fault (files/system_error.h).
class InputFile : public InputBytes {
 public:
  explicit InputFile(std::filesystem::path path);
  // What is left of an open stream behind `begun`, which was read from it already; a regular file from its beginning.
  InputFile(std::filesystem::path name, FileDescriptor stream, std::string_view begun);

  uint64_t size() const { return size_; }
  bool read(uint64_t offset, char* to, size_t& count) const override;
  // The same; throws Error with the system's reason.
  std::string bytes_at(uint64_t offset, size_t count) const;

 private:
  void copy_stream(std::string_view begun);

  FileDescriptor file_;
  uint64_t size_ = 0;
};

}  // namespace sunder
