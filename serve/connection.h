// A client's socket, as cpp-httplib reads requests from it: with limits of time and size that the library has not.
#pragma once

#include <httplib.h>

#include <chrono>
#include <cstddef>
#include <string>

#include "serve/clock.h"

namespace sunder::serve {

class Connection : public httplib::Stream {
 public:
  explicit Connection(int socket);  // not owned

  // Whether something came that was not read yet. Does not wait.
  bool has_request();
  // From now on a request's head is read, which must be short and come soon; or its body, until `until`.
  void begin_head();
  void begin_body(Clock::time_point until);
  // A part of the body has come: the library may read on. It sets no limit to what it reads of a line or a header.
  void go_on();
  // Whether a read or write ended because its time was over, or because the client sent no more.
  bool timed_out() const { return timed_out_; }
  bool ended() const { return ended_; }
  // Whether the client closed the connection, or its sending half.
  bool hung_up() const;
  // Ends sending, so that the client can still read what it was sent though it sends on: that is dropped, at most that
  // long.
  void end_gently(std::chrono::milliseconds longest);

  bool is_readable() const override;
  bool is_writable() const override;
  ssize_t read(char* to, size_t size) override;
  ssize_t write(const char* from, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_; }

 private:
  bool wait_for(short events, std::chrono::milliseconds longest, short& found) const;
  bool receive();

  const int socket_;
  std::string buffer_;  // what came and was not read yet, from begin_ on
  size_t begin_ = 0;
  bool timed_out_ = false, ended_ = false;
  size_t left_ = 0;  // bytes that may be read
  Clock::time_point until_{};
};

}  // namespace sunder::serve
