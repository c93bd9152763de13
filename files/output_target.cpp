#include "files/output_target.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "tensor/error.h"

namespace sunder {

namespace fs = std::filesystem;

namespace {

constexpr int most_links = 40;  // as Linux

[[noreturn]] void fail(const fs::path& path, int reason) {
  throw_error("{}: cannot be written: {}", path.string(), std::strerror(reason));
}

// Links in /proc lead to open files, whatever the names are that they show.
bool in_proc(const fs::path& path) {
  struct statfs system {};
  return ::statfs(containing_folder(path).c_str(), &system) == 0 && system.f_type == PROC_SUPER_MAGIC;
}

// 3 for /proc/self/fd/3; -1 for anything else.
int own_descriptor(const fs::path& path) {
  std::error_code failure;
  if (fs::canonical(containing_folder(path), failure) != fmt::format("/proc/{}/fd", ::getpid())) return -1;
  const std::string name = path.filename().string();
  int number = -1;
  const auto [end, wrong] = std::from_chars(name.data(), name.data() + name.size(), number);
  return wrong == std::errc() && end == name.data() + name.size() ? number : -1;
}

bool writable(const fs::path& path, int mode) { return ::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0; }

}  // namespace

fs::path containing_folder(const fs::path& file) { return file.has_parent_path() ? file.parent_path() : fs::path("."); }

OutputTarget output_target(const fs::path& path) {
  OutputTarget target{path, std::nullopt};
  struct stat status {};
  for (int links = 0; ::lstat(target.path.c_str(), &status) == 0 && S_ISLNK(status.st_mode); ++links) {
    if (links == most_links) fail(path, ELOOP);
    if (in_proc(target.path)) {
      target.through = true;
      target.descriptor = own_descriptor(target.path);
      break;
    }
    std::error_code failure;
    const fs::path next = fs::read_symlink(target.path, failure);
    if (failure) fail(path, failure.value());
    target.path = target.path.parent_path() / next;  // `next` alone where it is absolute
  }
  if (::stat(target.path.c_str(), &status) != 0) {
    if (errno != ENOENT || in_proc(target.path)) fail(path, errno);
    return target;
  }
  target.status = status;
  if (S_ISDIR(status.st_mode)) fail(path, EISDIR);
  if (!S_ISREG(status.st_mode)) target.through = true;
  if (target.descriptor >= 0) {
    const int mode = ::fcntl(target.descriptor, F_GETFL);
    if (mode < 0) fail(path, errno);
    if ((mode & O_ACCMODE) == O_RDONLY) fail(path, EBADF);
  } else if (!writable(target.path, W_OK)) {
    fail(path, errno);
  }
  return target;
}

FileDescriptor open_through(const OutputTarget& target) {
  // A copy shares the position with the program that opened the file, where opening it again would overwrite it.
  if (target.descriptor >= 0) return FileDescriptor(::fcntl(target.descriptor, F_DUPFD_CLOEXEC, 3));
  int flags = O_WRONLY | O_NOCTTY | O_CLOEXEC;
  if (target.status && S_ISREG(target.status->st_mode)) flags |= O_APPEND;
  if (target.status && S_ISBLK(target.status->st_mode)) flags |= O_EXCL;  // refused while it is mounted
  while (true) {
    FileDescriptor file(::open(target.path.c_str(), flags));
    if (file.is_open() || errno != EINTR) return file;
  }
}

void check_output(const fs::path& path) {
  const OutputTarget target = output_target(path);
  if (target.through) return;
  const fs::path folder = containing_folder(target.path);
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored))
    throw_error("{}: cannot be written: no folder {}", path.string(), fs::absolute(folder, ignored).string());
  if (!writable(folder, W_OK | X_OK)) fail(path, errno);
}

}  // namespace sunder
