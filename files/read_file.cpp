#include "files/read_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "files/file_descriptor.h"

namespace sunder {

namespace fs = std::filesystem;

ReadError::ReadError(const fs::path& path, int code)
    : Error(fmt::format("{}: cannot be read: {}", path.string(), std::strerror(code))), code_(code) {}

bool ReadError::is_absent() const { return code_ == ENOENT || code_ == ENOTDIR || code_ == EISDIR; }

void read_file(const fs::path& path, const std::function<void(std::span<const std::byte>)>& take) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) throw ReadError(path, errno);
  std::vector<std::byte> buffer(1 << 16);
  for (;;) {
    const ssize_t count = ::read(file.number(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw ReadError(path, errno);
    if (count == 0) return;
    take(std::span(buffer.data(), static_cast<size_t>(count)));
  }
}

std::string read_file(const fs::path& path) {
  std::string text;
  read_file(path, [&](std::span<const std::byte> piece) {
    text.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  });
  return text;
}

}  // namespace sunder
