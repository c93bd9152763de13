#include "files/file_io.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace sunder {

bool write_all(int file, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {  // a pipe that its owner does not want to wait for
      pollfd ready{file, POLLOUT, 0};
      ::poll(&ready, 1, -1);
      continue;
    }
    if (count == 0) errno = ENOSPC;
    if (count <= 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
  return true;
}

bool read_at(int file, uint64_t offset, char* to, size_t& count) {
  const size_t wanted = std::exchange(count, 0);
  while (count < wanted) {
    const ssize_t got = ::pread(file, to + count, wanted - count, static_cast<off_t>(offset + count));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) break;
    count += static_cast<size_t>(got);
  }
  return true;
}

}  // namespace sunder
