#include "tests/files/system_calls.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace {

using sunder::system_calls;

// Whether this call may be made.
bool allowed() {
  if (system_calls.until < 0 || system_calls.until-- > 0) return true;
  if (system_calls.kill) _exit(9);
  errno = system_calls.reason;
  return false;
}

int call(long result) { return static_cast<int>(result); }

}  // namespace

// The program's own definitions come before those of the C library, also for libstdc++.
extern "C" {
int rename(const char* from, const char* to) {
  return allowed() ? call(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0)) : -1;
}
int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  if ((flags & RENAME_EXCHANGE) != 0 && !system_calls.can_exchange) return errno = EINVAL, -1;
  return allowed() ? call(syscall(SYS_renameat2, from_folder, from, to_folder, to, flags)) : -1;
}
int mkdir(const char* path, mode_t mode) { return allowed() ? call(syscall(SYS_mkdirat, AT_FDCWD, path, mode)) : -1; }
int rmdir(const char* path) { return allowed() ? call(syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR)) : -1; }
int unlink(const char* path) { return allowed() ? call(syscall(SYS_unlinkat, AT_FDCWD, path, 0)) : -1; }
int unlinkat(int folder, const char* path, int flags) {
  return allowed() ? call(syscall(SYS_unlinkat, folder, path, flags)) : -1;
}
// The disk itself is not under test: without these the tests take as long as it does.
int fsync(int file) {
  struct stat status {};
  if (system_calls.sync_reason != 0 && fstat(file, &status) == 0 && S_ISDIR(status.st_mode))
    return errno = system_calls.sync_reason, -1;
  return allowed() ? 0 : -1;
}
int syncfs(int) { return allowed() ? 0 : -1; }
}
