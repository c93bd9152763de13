// Connections of clients: those on which nothing comes wait together, those with a request get a thread.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "files/file_descriptor.h"
#include "serve/clock.h"

namespace sunder::serve {

class ConnectionPool {
 public:
  // Answers the requests that came on a connection and leaves it open; whether further ones may come. Called on many
  // threads at a time.
  using Serve = std::function<bool(int socket)>;

  ConnectionPool(size_t threads, Serve serve);
  ~ConnectionPool() { stop(); }
  ConnectionPool(const ConnectionPool&) = delete;
  ConnectionPool& operator=(const ConnectionPool&) = delete;

  // Accepts connections from a socket until stop(). Where many are open already, further ones are left to the system.
  void accept_from(FileDescriptor listener);
  // Accepts no more, closes connections without a request, ends reads of the others and waits for their threads.
  void stop();

  // Whether requests wait for a thread.
  bool is_crowded() const { return ready_count_ > 0; }

 private:
  struct Idle {
    FileDescriptor socket;
    Clock::time_point until;
  };

  void watch_all();
  void watch();
  void accept();
  void take_returned();
  void serve_all();
  bool serve_next();
  void wake();

  const Serve serve_;
  FileDescriptor listener_, wake_, woken_;  // the ends of a pipe that interrupts watch()
  std::vector<Idle> idle_;                  // the watching thread's
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<FileDescriptor> ready_, returned_;
  std::set<int> open_;  // sockets in the threads' hands
  std::atomic<size_t> ready_count_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread watcher_;
  std::vector<std::thread> threads_;
};

}  // namespace sunder::serve
