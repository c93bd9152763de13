#include "files/temporary.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <set>

#include "files/crc32c.h"

namespace sunder {

namespace fs = std::filesystem;

namespace {

struct Registry {
  std::recursive_mutex mutex;
  std::set<fs::path> paths;     // of temporary files and folders
  std::set<std::string> swept;  // folders and prefixes whose left-overs were removed
};

// Never destroyed: threads may still write while the process ends.
Registry& registry() {
  static Registry& all = *new Registry;
  return all;
}

void remove_tree(const fs::path& path) {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

bool lock_file(int file) { return ::flock(file, LOCK_EX | LOCK_NB) == 0; }

// Whether the open file still has this name.
bool is_still(const fs::path& path, int file) {
  struct stat by_name {
  }, by_file{};
  return ::lstat(path.c_str(), &by_name) == 0 && ::fstat(file, &by_file) == 0 && by_name.st_ino == by_file.st_ino &&
         by_name.st_dev == by_file.st_dev;
}

// Machines that share a disk may not see each other's locks.
const std::string& file_prefix() {
  static const std::string prefix = [] {
    char host[256] = "";
    ::gethostname(host, sizeof host - 1);
    return fmt::format(".sunder-{:08x}-", crc32c(std::string_view(host)));
  }();
  return prefix;
}
constexpr const char* any_file_prefix = ".sunder-";
constexpr const char* file_suffix = ".part";

bool older_than_a_day(const fs::path& path) {
  std::error_code failure;
  const auto time = fs::last_write_time(path, failure);
  return !failure && fs::file_time_type::clock::now() - time > std::chrono::hours(24);
}

// An owner that lives holds the lock.
void remove_if_left(const fs::path& path, int flags) {
  const FileDescriptor file(::open(path.c_str(), flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status {};
  if (!file.is_open() || ::fstat(file.number(), &status) != 0 || status.st_uid != ::geteuid()) return;
  if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode)) return;
  if (lock_file(file.number()) && is_still(path, file.number())) remove_tree(path);
}

// The first time that this process asks for this folder and prefix.
bool first_sweep(const fs::path& folder, const std::string& prefix) {
  const std::lock_guard guard(registry().mutex);
  return registry().swept.insert(folder.native() + '\0' + prefix).second;
}

void sweep(const fs::path& folder, const std::string& prefix, bool folders) {
  if (!first_sweep(folder, prefix)) return;
  std::error_code failure;
  for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end; entry.increment(failure)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(prefix)) continue;
    if (folders) remove_if_left(entry->path(), O_RDONLY | O_DIRECTORY);
    else if (name.ends_with(file_suffix) && (name.starts_with(file_prefix()) || older_than_a_day(entry->path())))
      remove_if_left(entry->path(), O_RDWR);
  }
}

}  // namespace

Temporary::Temporary(fs::path path) : Temporary(std::move(path), FileDescriptor()) {}

Temporary::Temporary(fs::path path, FileDescriptor file) : path_(std::move(path)), file_(std::move(file)) {
  const std::lock_guard guard(registry().mutex);
  registry().paths.insert(path_);
}

Temporary& Temporary::operator=(Temporary&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(file_, other.file_);
  return *this;
}

Temporary::~Temporary() {
  if (path_.empty()) return;
  const std::lock_guard guard(registry().mutex);
  remove_tree(path_);
  registry().paths.erase(path_);
}

Temporary Temporary::file(const fs::path& folder) {
  static std::atomic<int> counter = 0;
  const bool unshared = in_temporary_folder(folder / "any");
  if (!unshared) sweep(folder, any_file_prefix, /*folders=*/false);
  while (true) {
    fs::path path = folder / fmt::format("{}{}-{}{}", file_prefix(), ::getpid(), counter++, file_suffix);
    const std::lock_guard guard(registry().mutex);
    FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    // A killed process with the same id (containers reuse the small ones) may have left a file of this name.
    if (!file.is_open() && errno == EEXIST) continue;
    if (!file.is_open()) return {};
    // Between open and lock another process may take it for a left-over.
    if (!unshared && !lock_file(file.number()) && errno == EWOULDBLOCK) continue;
    if (!unshared && !is_still(path, file.number())) {
      ::unlink(path.c_str());  // where the look at it failed, it is still there; no other file has its name
      continue;
    }
    return Temporary(std::move(path), std::move(file));
  }
}

Temporary Temporary::subfolder(const fs::path& folder, const std::string& prefix) {
  sweep(folder, prefix, /*folders=*/true);
  while (true) {
    std::string name = (folder / (prefix + "XXXXXX")).string();
    const std::lock_guard guard(registry().mutex);
    if (!::mkdtemp(name.data())) return {};
    FileDescriptor file(::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!file.is_open() && errno == ENOENT) continue;  // another process took it for a left-over
    if (!file.is_open()) {
      const int reason = errno;
      ::rmdir(name.c_str());
      errno = reason;
      return {};
    }
    if (!lock_file(file.number()) && errno == EWOULDBLOCK) continue;
    if (!is_still(name, file.number())) continue;
    return Temporary(std::move(name), std::move(file));
  }
}

Temporary Temporary::lock(const fs::path& path) {
  while (true) {
    FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666));
    if (!file.is_open()) return {};
    // Some network file systems cannot lock.
    if (!lock_file(file.number()) && errno == EWOULDBLOCK) return {};
    if (is_still(path, file.number())) return Temporary(path, std::move(file));
  }
}

bool Temporary::rename_to(const fs::path& path) {
  const std::lock_guard guard(registry().mutex);
  if (::rename(path_.c_str(), path.c_str()) != 0) return false;
  registry().paths.erase(path_);
  path_.clear();
  return true;
}

void Temporary::keep() {
  const std::lock_guard guard(registry().mutex);
  registry().paths.erase(path_);
  path_.clear();
}

FileDescriptor unnamed_file() {
  std::error_code ignored;
  const fs::path folder = fs::temp_directory_path(ignored);
  FileDescriptor file(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  return file.is_open() ? std::move(file) : memory_file();
}

FileDescriptor memory_file() { return FileDescriptor(::memfd_create("sunder", MFD_CLOEXEC)); }

bool in_temporary_folder(const fs::path& path) {
  const std::lock_guard guard(registry().mutex);
  for (const fs::path& folder : registry().paths)
    if (path.native().starts_with(folder.native() + "/")) return true;
  return false;
}

void remove_temporaries() {
  registry().mutex.lock();  // and never unlocked
  struct stat status {};
  // Backwards: an output's lock comes before its hidden folder.
  for (auto path = registry().paths.rbegin(); path != registry().paths.rend(); ++path)
    // Another thread may be adding to a folder.
    for (int attempt = 0; attempt < 3 && ::lstat(path->c_str(), &status) == 0; ++attempt) remove_tree(*path);
}

}  // namespace sunder
