#include "audio/input_stream.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>

#include "files/system_error.h"

namespace sunder {

bool InputStream::wait_for(size_t count) {
  constexpr size_t block = 65536;
  while (waiting().size() < count) {
    buffer_.erase(0, begin_);
    begin_ = 0;
    const size_t held = buffer_.size();
    buffer_.resize(held + block);
    const ssize_t got = ::read(file_.number(), buffer_.data() + held, block);
    const int error = errno;
    buffer_.resize(held + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) return false;
    if (got > 0 || error == EINTR) continue;
    if (error != EAGAIN && error != EWOULDBLOCK) throw_system_error(path_, "cannot be read", error);
    pollfd ready{file_.number(), POLLIN, 0};  // a pipe that its owner does not want to wait for
    ::poll(&ready, 1, -1);
  }
  return true;
}

bool InputStream::skip(uint64_t count) {
  while (count > 0) {
    if (!wait_for(1)) return false;
    const size_t part = static_cast<size_t>(std::min<uint64_t>(count, waiting().size()));
    take(part);
    count -= part;
  }
  return true;
}

}  // namespace sunder
