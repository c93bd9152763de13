// Bytes of a pipe, a terminal or a microphone as they come, each of them once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "files/file_descriptor.h"

namespace sunder {

class InputStream {
 public:
  // `name`: for messages.
  InputStream(FileDescriptor file, std::filesystem::path name) : file_(std::move(file)), path_(std::move(name)) {}

  const std::filesystem::path& path() const { return path_; }
  std::string name() const { return path_.string(); }

  // Waits until at least `count` bytes (at most 64 KiB) are there that were not taken yet. False where the stream ends
  // before. Throws Error with the system's reason.
  bool wait_for(size_t count);
  std::string_view waiting() const { return std::string_view(buffer_).substr(begin_); }
  // Takes the first of the waiting bytes.
  void take(size_t count) { begin_ += count; }
  // Takes `count` bytes more than are waiting if need be. False where the stream ends before.
  bool skip(uint64_t count);

  // Its descriptor, for whoever goes on behind the waiting bytes.
  FileDescriptor release() { return std::move(file_); }

 private:
  FileDescriptor file_;
  std::filesystem::path path_;
  std::string buffer_;
  size_t begin_ = 0;
};

}  // namespace sunder
