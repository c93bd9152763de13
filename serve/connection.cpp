#include "serve/connection.h"

#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

namespace sunder::serve {
namespace {

using std::chrono::milliseconds;

constexpr size_t most_head_bytes = 64 << 10, most_between_parts = 1 << 20;
constexpr size_t block = 64 << 10;
constexpr auto head_time = std::chrono::seconds(10);  // for all of it
constexpr milliseconds idle_read(15000), idle_write(30000);
// A client that sends all before it reads anything: what it sends is kept up to here while it does not read.
constexpr size_t most_kept = 16 << 20;

using Name = int (*)(int, sockaddr*, socklen_t*);

void address(int socket, Name name, std::string& ip, int& port) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  auto* const address = reinterpret_cast<sockaddr*>(&storage);
  char host[NI_MAXHOST] = "", service[NI_MAXSERV] = "";
  if (name(socket, address, &length) != 0 ||
      ::getnameinfo(address, length, host, sizeof host, service, sizeof service, NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return;
  ip = host;
  port = std::atoi(service);
}

}  // namespace

Connection::Connection(int socket) : socket_(socket) {
  const int yes = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

bool Connection::wait_for(short events, milliseconds longest, short& found) const {
  const Clock::time_point end = Clock::now() + longest;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(end - Clock::now());
    pollfd poll{socket_, events, 0};
    const int ready = ::poll(&poll, 1, static_cast<int>(std::max<int64_t>(left.count(), 0)));
    if (ready < 0 && errno == EINTR) continue;
    found = poll.revents;
    return ready > 0;
  }
}

// Takes what the socket has. False at the end of what the client sends, and where the connection is broken.
bool Connection::receive() {
  if (begin_ > 0) buffer_.erase(0, std::exchange(begin_, 0));
  const size_t before = buffer_.size();
  buffer_.resize(before + block);
  ssize_t got;
  do got = ::recv(socket_, buffer_.data() + before, block, MSG_DONTWAIT);
  while (got < 0 && errno == EINTR);
  const bool nothing_yet = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  buffer_.resize(before + static_cast<size_t>(std::max<ssize_t>(got, 0)));
  ended_ = got <= 0 && !nothing_yet;
  return !ended_;
}

bool Connection::has_request() {
  if (begin_ == buffer_.size()) receive();
  return begin_ < buffer_.size();
}

void Connection::begin_head() {
  left_ = most_head_bytes;
  until_ = Clock::now() + head_time;
}

void Connection::begin_body(Clock::time_point until) {
  until_ = until;
  go_on();
}

void Connection::go_on() { left_ = most_between_parts; }

ssize_t Connection::read(char* to, size_t size) {
  while (begin_ == buffer_.size()) {
    const auto left = std::chrono::ceil<milliseconds>(until_ - Clock::now());
    short found = 0;
    if (left.count() <= 0 || !wait_for(POLLIN, std::min(left, idle_read), found)) {
      timed_out_ = true;
      return -1;
    }
    if (!receive()) return 0;
  }
  if (left_ == 0) return -1;
  size = std::min({size, buffer_.size() - begin_, left_});
  left_ -= size;
  buffer_.copy(to, size, begin_);
  begin_ += size;
  return static_cast<ssize_t>(size);
}

ssize_t Connection::write(const char* from, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t sent = ::send(socket_, from + done, size - done, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      done += static_cast<size_t>(sent);
      continue;
    }
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK) return -1;
    const bool may_read = !ended_ && buffer_.size() - begin_ < most_kept;
    short found = 0;
    if (!wait_for(static_cast<short>(may_read ? POLLOUT | POLLIN : POLLOUT), idle_write, found)) {
      timed_out_ = true;
      return -1;
    }
    if ((found & POLLIN) != 0 && (found & POLLOUT) == 0) receive();
  }
  return static_cast<ssize_t>(size);
}

bool Connection::hung_up() const {
  short found = 0;
  return ended_ || (wait_for(POLLRDHUP, milliseconds(0), found) && (found & (POLLRDHUP | POLLHUP | POLLERR)) != 0);
}

void Connection::end_gently(milliseconds longest) {
  ::shutdown(socket_, SHUT_WR);
  const Clock::time_point end = Clock::now() + longest;
  while (!ended_ && Clock::now() < end) {
    short found = 0;
    buffer_.clear();
    begin_ = 0;
    if (!wait_for(POLLIN, std::chrono::ceil<milliseconds>(end - Clock::now()), found)) break;
    receive();
  }
}

bool Connection::is_readable() const { return begin_ < buffer_.size() || !hung_up(); }

bool Connection::is_writable() const {
  short found = 0;
  return wait_for(POLLOUT, idle_write, found) && (found & (POLLERR | POLLHUP)) == 0;
}

void Connection::get_remote_ip_and_port(std::string& ip, int& port) const { address(socket_, ::getpeername, ip, port); }
void Connection::get_local_ip_and_port(std::string& ip, int& port) const { address(socket_, ::getsockname, ip, port); }

}  // namespace sunder::serve
