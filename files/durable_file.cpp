#include "files/durable_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "tensor/error.h"

namespace sunder {

namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* what) {
  throw_error("{}: {}: {}", path.string(), what, std::strerror(errno));
}

// Closes the file and removes it unless it was kept.
class PartFile {
 public:
  explicit PartFile(const std::filesystem::path& path) : path_(path) {
    fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd_ < 0) fail(path_, "cannot create");
  }
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;
  ~PartFile() {
    if (fd_ >= 0) ::close(fd_);
    if (!kept_) ::unlink(path_.c_str());
  }

  void write(std::span<const std::byte> bytes, const std::filesystem::path& name) {
    while (!bytes.empty()) {
      const ssize_t count = ::write(fd_, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) fail(name, "cannot write");
      bytes = bytes.subspan(static_cast<size_t>(count));
    }
  }

  void keep_as(const std::filesystem::path& name) {
    if (::fsync(fd_) != 0) fail(name, "cannot write to the disk");
    const int fd = fd_;
    fd_ = -1;
    if (::close(fd) != 0) fail(name, "cannot write");
    if (::rename(path_.c_str(), name.c_str()) != 0) fail(name, "cannot replace");
    kept_ = true;
  }

 private:
  std::filesystem::path path_;
  int fd_ = -1;
  bool kept_ = false;
};

}  // namespace

void write_file(const std::filesystem::path& path, const std::vector<std::span<const std::byte>>& pieces) {
  static std::atomic<int> counter = 0;  // two threads of one process never share a name
  PartFile part(fmt::format("{}.part-{}-{}", path.string(), ::getpid(), counter++));
  for (const auto& piece : pieces) part.write(piece, path);
  part.keep_as(path);
  sync_folder(path.has_parent_path() ? path.parent_path() : ".");
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  write_file(path, {std::as_bytes(std::span(text.data(), text.size()))});
}

void sync_folder(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) fail(path, "cannot open the folder");
  const int status = ::fsync(fd);
  const int error = errno;
  ::close(fd);
  errno = error;
  // Some network file systems have no fsync for folders (EINVAL); there the rename itself is as durable as it gets.
  if (status != 0 && error != EINVAL) fail(path, "cannot write the folder to the disk");
}

}  // namespace sunder
