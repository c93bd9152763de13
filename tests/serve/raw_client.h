// A client that sends and reads bytes as it likes.
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include "files/file_descriptor.h"
#include "tensor/error.h"

namespace sunder::serve {

class RawClient {
 public:
  explicit RawClient(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw_error("cannot connect to port {}: {}", port, std::strerror(errno));
  }

  int number() const { return socket_.number(); }
  // False where the server has closed the connection.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  void end_sending() { ::shutdown(number(), SHUT_WR); }
  void close() { socket_.close(); }
  // Everything up to the end, or until `end` has come or nothing comes for that long.
  std::string read(std::string_view end = "", int milliseconds = 5000) {
    pollfd poll{number(), POLLIN, 0};
    while ((end.empty() || read_.find(end) == std::string::npos) && ::poll(&poll, 1, milliseconds) == 1) {
      char block[65536];
      const ssize_t got = ::recv(number(), block, sizeof block, 0);
      if (got <= 0) break;
      read_.append(block, static_cast<size_t>(got));
    }
    return read_;
  }

 private:
  FileDescriptor socket_;
  std::string read_;
};

}  // namespace sunder::serve
