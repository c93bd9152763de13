#include "files/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "tensor/error.h"

namespace sunder {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail(const fs::path& path) {
  throw_error("{}: cannot be written: {}", path.string(), std::strerror(errno));
}

FileDescriptor open_file(const fs::path& path, int flags) {
  return FileDescriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0666));
}

// False where the system refuses (errno); some bytes may have been written then.
bool write_all(int file, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) errno = ENOSPC;
    if (count <= 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
  return true;
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

AtomicFile::AtomicFile(const fs::path& path) : path_(path) {
  static std::atomic<int> counter = 0;  // two threads of one process never share a name
  // A killed process with the same id (containers reuse the small ones) may have left a file of this name.
  do {
    temporary_ = path.parent_path() / fmt::format(".{}.{}-{}.part", path.filename().string(), ::getpid(), counter++);
    file_ = open_file(temporary_, O_EXCL);
  } while (!file_.is_open() && errno == EEXIST);
  if (!file_.is_open()) fail(path_);
}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  if (!write_all(file_.number(), bytes)) fail(path_);
}

void AtomicFile::sync() {
  if (::fsync(file_.number()) != 0) fail(path_);
}

void AtomicFile::commit() {
  if (!file_.close() || ::rename(temporary_.c_str(), path_.c_str()) != 0) fail(path_);
  temporary_.clear();
}

void write_file(const fs::path& path, const std::vector<std::span<const std::byte>>& pieces) {
  AtomicFile file(path);
  for (const auto& piece : pieces) file.write(piece);
  file.sync();
  file.commit();
  sync_folder(path.has_parent_path() ? path.parent_path() : ".");
}

void write_file(const fs::path& path, std::string_view text) { write_file(path, {bytes_of(text)}); }

void sync_folder(const fs::path& path) {
  const FileDescriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open()) throw_error("{}: cannot open the folder: {}", path.string(), std::strerror(errno));
  // Some network file systems have no fsync for folders (EINVAL); there the rename itself is as durable as it gets.
  if (::fsync(folder.number()) != 0 && errno != EINVAL)
    throw_error("{}: cannot write the folder to the disk: {}", path.string(), std::strerror(errno));
}

AppendFile::AppendFile(const fs::path& path) : path_(path), file_(open_file(path, O_APPEND)) {
  if (!file_.is_open()) fail(path_);
}

std::optional<AppendFile> AppendFile::create(const fs::path& path) {
  FileDescriptor file = open_file(path, O_APPEND | O_EXCL);
  if (!file.is_open() && errno == EEXIST) return std::nullopt;
  if (!file.is_open()) fail(path);
  return AppendFile(path, std::move(file));
}

void AppendFile::append(std::string_view record) {
  const off_t before = ::lseek(file_.number(), 0, SEEK_END);
  if (write_all(file_.number(), bytes_of(record))) return;
  const int error = errno;
  const bool restored = before >= 0 && ::ftruncate(file_.number(), before) == 0;
  throw_error("{}: cannot be written: {}{}", path_.string(), std::strerror(error),
              restored ? "" : "; its last record is cut");
}

}  // namespace sunder
