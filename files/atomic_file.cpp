#include "files/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "files/file_io.h"
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

bool copy_all(int from, int to) {
  std::vector<std::byte> block(1 << 16);
  for (uint64_t at = 0;;) {
    size_t count = block.size();
    if (!read_at(from, at, reinterpret_cast<char*>(block.data()), count)) return false;
    if (count == 0) return true;
    if (!write_all(to, std::span(block).first(count))) return false;
    at += count;
  }
}

// Some file systems have no sync for files, or none for folders: there a write or a rename is as durable as it gets.
bool unsupported(int reason) {
  return reason == EINVAL || reason == ENOSYS || reason == ENOTSUP || reason == EOPNOTSUPP || reason == EBADF;
}

// The new file is for those whom the old one was for.
void copy_owner_and_mode(const struct stat& from, int to) {
  struct stat made {};
  if (::fstat(to, &made) != 0) return;
  const bool same = made.st_uid == from.st_uid && made.st_gid == from.st_gid;
  const bool kept = same || ::fchown(to, from.st_uid, from.st_gid) == 0;
  // Where it has another group now, that group gets no more than everybody.
  const mode_t everybody = from.st_mode & 07, mode = from.st_mode & 0777;
  [[maybe_unused]] const int ignored =
      ::fchmod(to, kept || made.st_gid == from.st_gid ? mode : (mode & ~070u) | everybody << 3);
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

AtomicFile::AtomicFile(const fs::path& path) : path_(path), target_(output_target(path)) {
  if (target_.through) {
    through_ = open_through(target_);
    if (through_.is_open()) staged_ = unnamed_file();
  } else {
    temporary_ = Temporary::file(containing_folder(target_.path));
    if (temporary_.open() && target_.status) copy_owner_and_mode(*target_.status, temporary_.descriptor());
  }
  if (descriptor() < 0) fail(path_);
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  if (!write_all(descriptor(), bytes)) fail(path_);
}

void AtomicFile::commit() {
  if (target_.through) {
    if (!copy_all(staged_.number(), through_.number()) || !through_.close()) fail(path_);
    return;
  }
  const bool unfinished = in_temporary_folder(target_.path);
  if (!unfinished && ::fsync(temporary_.descriptor()) != 0 && !unsupported(errno)) fail(path_);
  if (!temporary_.rename_to(target_.path)) fail(path_);
  if (!unfinished) sync_folder(containing_folder(target_.path));
}

void write_file(const fs::path& path, const std::vector<std::span<const std::byte>>& pieces) {
  AtomicFile file(path);
  for (const auto& piece : pieces) file.write(piece);
  file.commit();
}

void write_file(const fs::path& path, std::string_view text) { write_file(path, {bytes_of(text)}); }

void sync_folder(const fs::path& path) {
  const FileDescriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // A folder may be written without the right to read it.
  if (!folder.is_open() && errno == EACCES) return;
  if (!folder.is_open()) throw_error("{}: cannot open the folder: {}", path.string(), std::strerror(errno));
  if (::fsync(folder.number()) != 0 && !unsupported(errno))
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
