// A library for LD_PRELOAD that counts a program's calls to the system, and fails the Nth of a kind or kills the
// program there. Only files below a folder count, so that neither shared libraries nor /proc do.
//
//   FAULT_UNDER=FOLDER       the folder, as the system names it (no links)
//   FAULT_TALLY=FILE         tally.h's Tally, of its size
//   FAULT_AT=KIND:N:WHAT     fails the Nth call, KIND:N+:WHAT this and all later ones. WHAT is an error's name; `cut`:
//   only
//                            half is read or written; `kill`: SIGKILL before the call; `tear`: after half of a write
//   FAULT_BYTES=COUNT        smaller allocations are no `memory` calls (65536)
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/faults/tally.h"

namespace {

using namespace sunder;
using faults::Kind;

enum class Fate { pass, fail, cut, tear };

struct Plan {
  char under[512] = "";
  size_t under_length = 0;
  int kind = -1;
  uint64_t at = 0;
  bool onwards = false;
  bool kills = false;
  Fate fate = Fate::fail;
  int error = EIO;
  size_t memory_bytes = 65536;
  faults::Tally* tally = nullptr;  // null: this process is not concerned, or not yet
};
Plan plan;

#define REAL(name)                                                                          \
  ([] {                                                                                     \
    static const auto found = reinterpret_cast<decltype(&::name)>(dlsym(RTLD_NEXT, #name)); \
    return found;                                                                           \
  }())

int error_number(const char* name) {
  const struct {
    const char* name;
    int number;
  } table[] = {{"EIO", EIO},       {"ENOSPC", ENOSPC}, {"EACCES", EACCES}, {"EMFILE", EMFILE},  {"EINTR", EINTR},
               {"EINVAL", EINVAL}, {"EPERM", EPERM},   {"ENOMEM", ENOMEM}, {"EROFS", EROFS},    {"ENOLCK", ENOLCK},
               {"ENOSYS", ENOSYS}, {"ESTALE", ESTALE}, {"EDQUOT", EDQUOT}, {"ENOTSUP", ENOTSUP}};
  for (const auto& row : table)
    if (std::strcmp(row.name, name) == 0) return row.number;
  std::fprintf(stderr, "FAULT_AT: no error is called %s\n", name);
  std::_Exit(125);
}

void read_plan(const char* text) {
  const char* number = std::strchr(text, ':');
  char* what = nullptr;
  if (number) plan.at = std::strtoull(number + 1, &what, 10);
  for (int kind = 0; number && kind < faults::kinds; ++kind)
    if (std::strncmp(faults::kind_names[kind], text, static_cast<size_t>(number - text)) == 0 &&
        std::strlen(faults::kind_names[kind]) == static_cast<size_t>(number - text))
      plan.kind = kind;
  if (what && *what == '+') plan.onwards = true, ++what;
  if (plan.kind < 0 || plan.at == 0 || *what != ':') {
    std::fprintf(stderr, "FAULT_AT: expected KIND:N:WHAT, got %s\n", text);
    std::_Exit(125);
  }
  ++what;
  if (std::strcmp(what, "kill") == 0) plan.kills = true;
  else if (std::strcmp(what, "cut") == 0) plan.fate = Fate::cut;
  else if (std::strcmp(what, "tear") == 0) plan.fate = Fate::tear;
  else plan.error = error_number(what);
}

__attribute__((constructor)) void begin() {
  const char *under = std::getenv("FAULT_UNDER"), *tally = std::getenv("FAULT_TALLY"), *at = std::getenv("FAULT_AT");
  if (!under || !tally) return;
  std::snprintf(plan.under, sizeof plan.under, "%s", under);
  plan.under_length = std::strlen(plan.under);
  if (const char* bytes = std::getenv("FAULT_BYTES")) plan.memory_bytes = std::strtoull(bytes, nullptr, 10);
  if (at && *at) read_plan(at);
  const int file = REAL(open)(tally, O_RDWR | O_CLOEXEC);
  void* memory =
      file < 0 ? MAP_FAILED : ::mmap(nullptr, sizeof(faults::Tally), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) {
    std::fprintf(stderr, "FAULT_TALLY: cannot map %s\n", tally);
    std::_Exit(125);
  }
  REAL(close)(file);
  plan.tally = static_cast<faults::Tally*>(memory);
}

bool is_under(const char* path) {
  return std::strncmp(path, plan.under, plan.under_length) == 0 &&
         (path[plan.under_length] == '/' || path[plan.under_length] == '\0');
}

// What a descriptor, or with AT_FDCWD the working folder, names.
struct Path {
  char text[512] = "";
  explicit Path(int file) {
    char link[64];
    if (file == AT_FDCWD) std::snprintf(link, sizeof link, "/proc/self/cwd");
    else std::snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    const int error = errno;
    const ssize_t length = REAL(readlink)(link, text, sizeof text - 1);
    text[length > 0 ? length : 0] = '\0';
    errno = error;
  }
};

// Counts the call; says what becomes of it, with errno set where it fails.
Fate meet(Kind kind, bool changes, const char* path) {
  const auto is_meant = [](Kind of) {
    const uint64_t number = ++plan.tally->calls[of];
    return plan.kind == of && (number == plan.at || (plan.onwards && number > plan.at));
  };
  bool strikes = is_meant(kind);
  if (changes && is_meant(Kind::change)) strikes = true;
  if (!strikes) return Fate::pass;
  if (plan.tally->strikes++ == 0) std::snprintf(plan.tally->struck, sizeof plan.tally->struck, "%s", path);
  if (plan.kills) ::kill(::getpid(), SIGKILL);
  errno = plan.error;
  return plan.fate;
}

Fate meet_at(Kind kind, bool changes, int folder, const char* path) {
  if (!plan.tally || !path) return Fate::pass;
  if (path[0] == '/') return is_under(path) ? meet(kind, changes, path) : Fate::pass;
  const Path base(folder);
  return is_under(base.text) ? meet(kind, changes, path) : Fate::pass;
}

Fate meet_path(Kind kind, bool changes, const char* path) { return meet_at(kind, changes, AT_FDCWD, path); }

Fate meet_file(Kind kind, bool changes, int file) {
  if (!plan.tally) return Fate::pass;
  const Path path(file);
  return is_under(path.text) ? meet(kind, changes, path.text) : Fate::pass;
}

bool is_struck(Fate fate) { return fate != Fate::pass; }

// A write of `bytes` by `call(bytes)`.
template <class Call>
ssize_t written(int file, size_t bytes, const Call& call) {
  const Fate fate = meet_file(Kind::write, true, file);
  if (fate == Fate::fail) return -1;
  if (fate == Fate::pass) return call(bytes);
  const ssize_t count = call(bytes > 1 ? bytes / 2 : bytes);
  if (fate == Fate::tear) ::kill(::getpid(), SIGKILL);
  return count;
}

template <class Call>
ssize_t got(int file, size_t bytes, const Call& call) {
  const Fate fate = meet_file(Kind::read, false, file);
  if (fate == Fate::fail) return -1;
  return call(fate == Fate::cut && bytes > 1 ? bytes / 2 : bytes);
}

bool creates(int flags) { return (flags & (O_CREAT | O_TRUNC)) != 0; }
mode_t mode_of(int flags, va_list rest) {
  return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(rest, mode_t) : 0;
}

}  // namespace

extern "C" {

#define OPEN(name)                                                         \
  int name(const char* path, int flags, ...) {                             \
    va_list rest;                                                          \
    va_start(rest, flags);                                                 \
    const mode_t mode = mode_of(flags, rest);                              \
    va_end(rest);                                                          \
    if (is_struck(meet_path(Kind::open, creates(flags), path))) return -1; \
    return REAL(name)(path, flags, mode);                                  \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                             \
  int name(int folder, const char* path, int flags, ...) {                       \
    va_list rest;                                                                \
    va_start(rest, flags);                                                       \
    const mode_t mode = mode_of(flags, rest);                                    \
    va_end(rest);                                                                \
    if (is_struck(meet_at(Kind::open, creates(flags), folder, path))) return -1; \
    return REAL(name)(folder, path, flags, mode);                                \
  }
OPENAT(openat)
OPENAT(openat64)

#define FOPEN(name)                                                             \
  FILE* name(const char* path, const char* mode) {                              \
    if (is_struck(meet_path(Kind::open, mode[0] != 'r', path))) return nullptr; \
    return REAL(name)(path, mode);                                              \
  }
FOPEN(fopen)
FOPEN(fopen64)

ssize_t read(int file, void* data, size_t bytes) {
  return got(file, bytes, [&](size_t most) { return REAL(read)(file, data, most); });
}
ssize_t __read_chk(int file, void* data, size_t bytes, size_t) { return read(file, data, bytes); }
ssize_t pread(int file, void* data, size_t bytes, off_t at) {
  return got(file, bytes, [&](size_t most) { return REAL(pread)(file, data, most, at); });
}
ssize_t pread64(int file, void* data, size_t bytes, off64_t at) { return pread(file, data, bytes, at); }
size_t fread(void* data, size_t size, size_t count, FILE* file) {
  const Fate fate = meet_file(Kind::read, false, ::fileno(file));
  return fate == Fate::fail ? 0 : REAL(fread)(data, size, fate == Fate::cut ? count / 2 : count, file);
}

ssize_t write(int file, const void* data, size_t bytes) {
  return written(file, bytes, [&](size_t most) { return REAL(write)(file, data, most); });
}
ssize_t pwrite(int file, const void* data, size_t bytes, off_t at) {
  return written(file, bytes, [&](size_t most) { return REAL(pwrite)(file, data, most, at); });
}
ssize_t pwrite64(int file, const void* data, size_t bytes, off64_t at) { return pwrite(file, data, bytes, at); }
ssize_t writev(int file, const iovec* pieces, int count) {
  // Half of it is a part of its first piece.
  return written(file, 2, [&](size_t most) {
    return most == 2 ? REAL(writev)(file, pieces, count)
                     : REAL(write)(file, pieces[0].iov_base, (pieces[0].iov_len + 1) / 2);
  });
}
size_t fwrite(const void* data, size_t size, size_t count, FILE* file) {
  const ssize_t done = written(::fileno(file), count,
                               [&](size_t most) { return static_cast<ssize_t>(REAL(fwrite)(data, size, most, file)); });
  return done < 0 ? 0 : static_cast<size_t>(done);
}

int fsync(int file) { return is_struck(meet_file(Kind::sync, true, file)) ? -1 : REAL(fsync)(file); }
int fdatasync(int file) { return is_struck(meet_file(Kind::sync, true, file)) ? -1 : REAL(fdatasync)(file); }
int syncfs(int file) noexcept { return is_struck(meet_file(Kind::sync, true, file)) ? -1 : REAL(syncfs)(file); }
int fflush(FILE* file) {
  if (file && is_struck(meet_file(Kind::sync, true, ::fileno(file)))) return EOF;
  return REAL(fflush)(file);
}

// A close that fails has closed the file, too.
int close(int file) {
  const bool struck = is_struck(meet_file(Kind::close, false, file));
  const int error = errno, result = REAL(close)(file);
  if (!struck) return result;
  errno = error;
  return -1;
}
int fclose(FILE* file) {
  const bool struck = is_struck(meet_file(Kind::close, false, ::fileno(file)));
  const int error = errno, result = REAL(fclose)(file);
  if (!struck) return result;
  errno = error;
  return EOF;
}

int rename(const char* from, const char* to) noexcept {
  return is_struck(meet_path(Kind::rename, true, to)) ? -1 : REAL(rename)(from, to);
}
int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept {
  return is_struck(meet_at(Kind::rename, true, to_folder, to)) ? -1 : REAL(renameat)(from_folder, from, to_folder, to);
}
int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
  return is_struck(meet_at(Kind::rename, true, to_folder, to))
             ? -1
             : REAL(renameat2)(from_folder, from, to_folder, to, flags);
}
int link(const char* from, const char* to) noexcept {
  return is_struck(meet_path(Kind::link, true, to)) ? -1 : REAL(link)(from, to);
}
int symlink(const char* from, const char* to) noexcept {
  return is_struck(meet_path(Kind::link, true, to)) ? -1 : REAL(symlink)(from, to);
}
int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) noexcept {
  return is_struck(meet_at(Kind::link, true, to_folder, to)) ? -1
                                                             : REAL(linkat)(from_folder, from, to_folder, to, flags);
}
int symlinkat(const char* from, int folder, const char* to) noexcept {
  return is_struck(meet_at(Kind::link, true, folder, to)) ? -1 : REAL(symlinkat)(from, folder, to);
}
int unlink(const char* path) noexcept {
  return is_struck(meet_path(Kind::remove, true, path)) ? -1 : REAL(unlink)(path);
}
int unlinkat(int folder, const char* path, int flags) noexcept {
  return is_struck(meet_at(Kind::remove, true, folder, path)) ? -1 : REAL(unlinkat)(folder, path, flags);
}
int rmdir(const char* path) noexcept { return is_struck(meet_path(Kind::remove, true, path)) ? -1 : REAL(rmdir)(path); }
int remove(const char* path) noexcept {
  return is_struck(meet_path(Kind::remove, true, path)) ? -1 : REAL(remove)(path);
}
int mkdir(const char* path, mode_t mode) noexcept {
  return is_struck(meet_path(Kind::mkdir, true, path)) ? -1 : REAL(mkdir)(path, mode);
}
int mkdirat(int folder, const char* path, mode_t mode) noexcept {
  return is_struck(meet_at(Kind::mkdir, true, folder, path)) ? -1 : REAL(mkdirat)(folder, path, mode);
}
int truncate(const char* path, off_t length) noexcept {
  return is_struck(meet_path(Kind::truncate, true, path)) ? -1 : REAL(truncate)(path, length);
}
int ftruncate(int file, off_t length) noexcept {
  return is_struck(meet_file(Kind::truncate, true, file)) ? -1 : REAL(ftruncate)(file, length);
}
int ftruncate64(int file, off64_t length) noexcept { return ftruncate(file, length); }
int flock(int file, int operation) noexcept {
  return is_struck(meet_file(Kind::lock, false, file)) ? -1 : REAL(flock)(file, operation);
}

DIR* opendir(const char* path) { return is_struck(meet_path(Kind::list, false, path)) ? nullptr : REAL(opendir)(path); }
DIR* fdopendir(int file) { return is_struck(meet_file(Kind::list, false, file)) ? nullptr : REAL(fdopendir)(file); }
dirent* readdir(DIR* folder) {
  return is_struck(meet_file(Kind::list, false, ::dirfd(folder))) ? nullptr : REAL(readdir)(folder);
}
dirent64* readdir64(DIR* folder) {
  return is_struck(meet_file(Kind::list, false, ::dirfd(folder))) ? nullptr : REAL(readdir64)(folder);
}

int stat(const char* path, struct stat* result) noexcept {
  return is_struck(meet_path(Kind::stat, false, path)) ? -1 : REAL(stat)(path, result);
}
int stat64(const char* path, struct stat64* result) noexcept {
  return is_struck(meet_path(Kind::stat, false, path)) ? -1 : REAL(stat64)(path, result);
}
int fstatat(int folder, const char* path, struct stat* result, int flags) noexcept {
  return is_struck(meet_at(Kind::stat, false, folder, path)) ? -1 : REAL(fstatat)(folder, path, result, flags);
}
int lstat(const char* path, struct stat* result) noexcept {
  return is_struck(meet_path(Kind::stat, false, path)) ? -1 : REAL(lstat)(path, result);
}
int lstat64(const char* path, struct stat64* result) noexcept {
  return is_struck(meet_path(Kind::stat, false, path)) ? -1 : REAL(lstat64)(path, result);
}
int fstat(int file, struct stat* result) noexcept {
  return is_struck(meet_file(Kind::stat, false, file)) ? -1 : REAL(fstat)(file, result);
}
int fstat64(int file, struct stat64* result) noexcept {
  return is_struck(meet_file(Kind::stat, false, file)) ? -1 : REAL(fstat64)(file, result);
}
int access(const char* path, int mode) noexcept {
  return is_struck(meet_path(Kind::stat, false, path)) ? -1 : REAL(access)(path, mode);
}
int faccessat(int folder, const char* path, int mode, int flags) noexcept {
  return is_struck(meet_at(Kind::stat, false, folder, path)) ? -1 : REAL(faccessat)(folder, path, mode, flags);
}
char* realpath(const char* path, char* result) noexcept {
  return is_struck(meet_path(Kind::stat, false, path)) ? nullptr : REAL(realpath)(path, result);
}
ssize_t readlink(const char* path, char* result, size_t bytes) noexcept {
  return is_struck(meet_path(Kind::stat, false, path)) ? -1 : REAL(readlink)(path, result, bytes);
}

#ifndef FAULT_WITHOUT_MEMORY  // a sanitizer's own allocator must stay in place
// glibc's own names for what dlsym, which allocates, could not find here.
void* __libc_malloc(size_t bytes);
void* __libc_calloc(size_t count, size_t bytes);
void* __libc_realloc(void* memory, size_t bytes);
void* __libc_memalign(size_t alignment, size_t bytes);

static bool is_refused(size_t bytes) {
  return plan.tally && bytes >= plan.memory_bytes && is_struck(meet(Kind::memory, false, "memory"));
}

void* malloc(size_t bytes) noexcept { return is_refused(bytes) ? nullptr : __libc_malloc(bytes); }
void* calloc(size_t count, size_t bytes) noexcept {
  return is_refused(count * bytes) ? nullptr : __libc_calloc(count, bytes);
}
void* realloc(void* memory, size_t bytes) noexcept {
  return is_refused(bytes) ? nullptr : __libc_realloc(memory, bytes);
}
void* aligned_alloc(size_t alignment, size_t bytes) noexcept {
  return is_refused(bytes) ? nullptr : __libc_memalign(alignment, bytes);
}
int posix_memalign(void** memory, size_t alignment, size_t bytes) noexcept {
  if (is_refused(bytes)) return ENOMEM;
  *memory = __libc_memalign(alignment, bytes);
  return *memory ? 0 : ENOMEM;
}
#endif

}  // extern "C"
