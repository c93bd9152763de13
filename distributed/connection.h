// A TCP connection between two ranks that carries numbered frames. Nothing waits longer than a deadline.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "files/file_descriptor.h"

namespace sunder {

using Deadline = std::chrono::steady_clock::time_point;

// What a connection can bring instead of what was asked for.
struct Disconnected {};  // the other end is gone
struct OutOfTime {};     // the deadline has passed
struct Ended {           // the other end has ended the run
  std::string why;
  bool usage = false;  // because of how the ranks were started
};

// Called while a connection waits, every tenth of a second.
using WhileWaiting = std::function<void()>;

class Connection {
 public:
  explicit Connection(FileDescriptor socket);
  Connection(Connection&&) noexcept = default;
  Connection& operator=(Connection&&) noexcept = default;

  // All throw Disconnected, OutOfTime and Ended. `expect` takes a frame of exactly these bytes.
  void send(std::span<const std::byte> bytes, Deadline deadline, const WhileWaiting& meanwhile = {});
  void send(const std::string& text, Deadline deadline, const WhileWaiting& meanwhile = {}) {
    send(std::as_bytes(std::span(text)), deadline, meanwhile);
  }
  void expect(std::span<std::byte> bytes, Deadline deadline, const WhileWaiting& meanwhile = {});
  std::string receive(Deadline deadline, const WhileWaiting& meanwhile = {});

  // Throws Disconnected or Ended where that is what has come. Frames are left for later.
  void check();
  // The same where the other end has closed the connection: frames that are left before the end are dropped.
  void check_closed();

  // The last frame in this direction: the run ends. What cannot be sent at once is lost.
  void end(const Ended& reason) noexcept;
  // Nothing more will be sent; what comes can still be read.
  void close_own_side() noexcept;
  // Drops what still comes until the other end closes the connection.
  void drain(Deadline deadline) noexcept;

 private:
  struct Header {
    uint32_t kind, number;
    uint64_t bytes;
  };
  void wait(short events, Deadline deadline, const WhileWaiting& meanwhile) const;
  void write(const std::byte* data, size_t bytes, Deadline deadline, const WhileWaiting& meanwhile);
  void read(std::byte* data, size_t bytes, Deadline deadline, const WhileWaiting& meanwhile);
  Header read_header(Deadline deadline, const WhileWaiting& meanwhile);
  [[noreturn]] void read_end(const Header& header, Deadline deadline);

  FileDescriptor socket_;
  uint32_t sent_ = 0, received_ = 0;  // frames
};

// Listens at once; connections are taken later.
class Listener {
 public:
  // port 0: any. Where `address` is this machine's own loopback, nobody else can connect; empty: everybody can. Throws
  // Error.
  Listener(const std::string& address, int port);
  int port() const { return port_; }
  // A connection that has come, or none (closed) by the deadline.
  FileDescriptor take(Deadline deadline) const;

 private:
  FileDescriptor socket_;
  int port_;
};

// Tries until the deadline: the other end may start later. Throws Error.
FileDescriptor connect_to(const std::string& address, int port, Deadline deadline);

}  // namespace sunder
