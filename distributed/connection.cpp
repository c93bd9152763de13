#include "distributed/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "tensor/error.h"

namespace sunder {
namespace {

constexpr uint32_t data_frame = 0x53554e44, end_frame = 0x53554e45, usage_frame = 0x53554e55;
constexpr uint64_t longest_text = 1 << 26;  // bytes: what another program sends must not take all memory
constexpr int slice_ms = 100;               // between two looks at what else has happened

int milliseconds_until(Deadline deadline) {
  using std::chrono::milliseconds;
  const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now()).count();
  return static_cast<int>(std::clamp<int64_t>(left, 0, slice_ms));
}

bool is_busy(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

Connection::Connection(FileDescriptor socket) : socket_(std::move(socket)) {
  const int yes = 1;
  ::setsockopt(socket_.number(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  ::setsockopt(socket_.number(), SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
}

void Connection::wait(short events, Deadline deadline, const WhileWaiting& meanwhile) const {
  for (;;) {
    pollfd entry{socket_.number(), events, 0};
    if (::poll(&entry, 1, milliseconds_until(deadline)) > 0) return;
    if (std::chrono::steady_clock::now() >= deadline) throw OutOfTime{};
    if (meanwhile) meanwhile();
  }
}

void Connection::write(const std::byte* data, size_t bytes, Deadline deadline, const WhileWaiting& meanwhile) {
  while (bytes > 0) {
    const ssize_t count = ::send(socket_.number(), data, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0) {
      data += count;
      bytes -= static_cast<size_t>(count);
    } else if (is_busy(errno)) {
      wait(POLLOUT, deadline, meanwhile);
    } else {
      check_closed();  // its last words, if there are any
      throw Disconnected{};
    }
  }
}

void Connection::read(std::byte* data, size_t bytes, Deadline deadline, const WhileWaiting& meanwhile) {
  while (bytes > 0) {
    const ssize_t count = ::recv(socket_.number(), data, bytes, MSG_DONTWAIT);
    if (count > 0) {
      data += count;
      bytes -= static_cast<size_t>(count);
    } else if (count < 0 && is_busy(errno)) {
      wait(POLLIN, deadline, meanwhile);
    } else {
      throw Disconnected{};
    }
  }
}

void Connection::send(std::span<const std::byte> bytes, Deadline deadline, const WhileWaiting& meanwhile) {
  const Header header{data_frame, sent_++, bytes.size()};
  write(reinterpret_cast<const std::byte*>(&header), sizeof header, deadline, meanwhile);
  write(bytes.data(), bytes.size(), deadline, meanwhile);
}

Connection::Header Connection::read_header(Deadline deadline, const WhileWaiting& meanwhile) {
  Header header;
  read(reinterpret_cast<std::byte*>(&header), sizeof header, deadline, meanwhile);
  if (header.kind == end_frame || header.kind == usage_frame) read_end(header, deadline);
  if (header.kind != data_frame) throw Disconnected{};  // another program's words
  if (header.number != received_++)
    throw_error("internal error: ranks are out of step: expected frame {}, got {}", received_ - 1, header.number);
  return header;
}

void Connection::read_end(const Header& header, Deadline deadline) {
  Ended ended{std::string(std::min(header.bytes, longest_text), ' '), header.kind == usage_frame};
  read(reinterpret_cast<std::byte*>(ended.why.data()), ended.why.size(), deadline, {});
  throw ended;
}

void Connection::expect(std::span<std::byte> bytes, Deadline deadline, const WhileWaiting& meanwhile) {
  const Header header = read_header(deadline, meanwhile);
  if (header.bytes != bytes.size())
    throw_error("internal error: ranks are out of step: expected {} bytes, got {}", bytes.size(), header.bytes);
  read(bytes.data(), bytes.size(), deadline, meanwhile);
}

std::string Connection::receive(Deadline deadline, const WhileWaiting& meanwhile) {
  const Header header = read_header(deadline, meanwhile);
  if (header.bytes > longest_text) throw Disconnected{};
  std::string text(header.bytes, ' ');
  read(reinterpret_cast<std::byte*>(text.data()), text.size(), deadline, meanwhile);
  return text;
}

void Connection::check() {
  pollfd entry{socket_.number(), POLLIN | POLLRDHUP, 0};
  if (::poll(&entry, 1, 0) <= 0) return;
  if (entry.revents & (POLLRDHUP | POLLHUP | POLLERR)) check_closed();
  Header header{};
  const ssize_t count = ::recv(socket_.number(), &header, sizeof header, MSG_PEEK | MSG_DONTWAIT);
  if (count == 0 || (count < 0 && !is_busy(errno))) throw Disconnected{};
  if (count == sizeof header && header.kind != data_frame)
    read_header(std::chrono::steady_clock::now() + std::chrono::seconds(1), {});
}

void Connection::check_closed() {
  pollfd entry{socket_.number(), POLLRDHUP, 0};
  if (::poll(&entry, 1, 0) <= 0) return;
  try {
    for (;;) receive(std::chrono::steady_clock::now() + std::chrono::seconds(1));
  } catch (const Error&) {  // a frame of tensors, cut where it was looked at
    throw Disconnected{};
  } catch (const OutOfTime&) {
    throw Disconnected{};
  }
}

void Connection::end(const Ended& reason) noexcept {
  try {
    const Header header{reason.usage ? usage_frame : end_frame, 0, reason.why.size()};
    const Deadline soon = std::chrono::steady_clock::now() + std::chrono::seconds(1);
    write(reinterpret_cast<const std::byte*>(&header), sizeof header, soon, {});
    write(reinterpret_cast<const std::byte*>(reason.why.data()), reason.why.size(), soon, {});
  } catch (...) {  // it will see that the connection closes
  }
}

void Connection::close_own_side() noexcept { ::shutdown(socket_.number(), SHUT_WR); }

void Connection::drain(Deadline deadline) noexcept {
  try {
    for (std::byte dropped[1 << 16];;) {
      const ssize_t count = ::recv(socket_.number(), dropped, sizeof dropped, MSG_DONTWAIT);
      if (count < 0 && is_busy(errno)) wait(POLLIN, deadline, {});
      else if (count <= 0) return;
    }
  } catch (const OutOfTime&) {
  }
}

}  // namespace sunder
