#include "serve/connection_pool.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

#include "tensor/error.h"

namespace sunder::serve {
namespace {

constexpr size_t most_open = 512;  // without a thread
constexpr int backlog = 1024;      // connections that the system keeps; it may have a lower limit
constexpr auto keep_alive = std::chrono::seconds(5);

}  // namespace

ConnectionPool::ConnectionPool(size_t threads, Serve serve) : serve_(std::move(serve)) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) throw_error("cannot make a pipe: {}", std::strerror(errno));
  woken_ = FileDescriptor(ends[0]);
  wake_ = FileDescriptor(ends[1]);
  for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { serve_all(); });
}

void ConnectionPool::accept_from(FileDescriptor listener) {
  listener_ = std::move(listener);
  if (::listen(listener_.number(), backlog) != 0) throw_error("cannot listen: {}", std::strerror(errno));
  // A client may have gone since poll() told of it.
  ::fcntl(listener_.number(), F_SETFL, ::fcntl(listener_.number(), F_GETFL) | O_NONBLOCK);
  watcher_ = std::thread([this] { watch_all(); });
}

void ConnectionPool::watch_all() {
  while (!stopping_) try {
      take_returned();
      watch();
    } catch (const std::exception&) {  // no memory for one more connection, which is closed
    }
}

// Waits for connections, for requests on them, and for the time of those on which none comes.
void ConnectionPool::watch() {
  // A connection that is not accepted yet need not be looked at.
  const bool has_room = idle_.size() + ready_count_ < most_open;
  std::vector<pollfd> polls{{woken_.number(), POLLIN, 0}, {has_room ? listener_.number() : -1, POLLIN, 0}};
  Clock::time_point first = Clock::now() + keep_alive;
  for (const Idle& idle : idle_) {
    polls.push_back({idle.socket.number(), POLLIN, 0});
    first = std::min(first, idle.until);
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(first - Clock::now());
  if (::poll(polls.data(), polls.size(), static_cast<int>(std::max<int64_t>(left.count(), 0))) < 0) return;

  const Clock::time_point now = Clock::now();
  std::vector<Idle> still;
  still.reserve(idle_.size() + 1);
  {
    const std::lock_guard lock(mutex_);
    for (size_t i = 0; i < idle_.size(); ++i) {
      if (polls[i + 2].revents != 0) ready_.push_back(std::move(idle_[i].socket));
      else if (idle_[i].until > now) still.push_back(std::move(idle_[i]));
    }
    ready_count_ = ready_.size();
  }
  idle_ = std::move(still);
  changed_.notify_all();
  if (polls[1].revents != 0) accept();
}

void ConnectionPool::accept() {
  FileDescriptor socket(::accept4(listener_.number(), nullptr, nullptr, SOCK_CLOEXEC));
  if (socket.is_open()) {
    idle_.push_back({std::move(socket), Clock::now() + keep_alive});
  } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
    // No descriptors or memory are left: some will be, when a request is answered.
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

void ConnectionPool::take_returned() {
  char bytes[256];
  while (::read(woken_.number(), bytes, sizeof bytes) > 0) {
  }
  const std::lock_guard lock(mutex_);
  for (; !returned_.empty(); returned_.pop_front())
    idle_.push_back({std::move(returned_.front()), Clock::now() + keep_alive});
}

void ConnectionPool::serve_all() {
  for (bool more = true; more;) try {
      more = serve_next();
    } catch (const std::exception&) {  // no memory to remember a connection, which is closed
    }
}

bool ConnectionPool::serve_next() {
  FileDescriptor socket;
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopping_ || !ready_.empty(); });
    if (stopping_) return false;
    socket = std::move(ready_.front());
    ready_.pop_front();
    ready_count_ = ready_.size();
    open_.insert(socket.number());
  }
  const bool stays = serve_(socket.number());
  {
    // Closed under the lock: stop() must not meet a number that the system has given to another file.
    const std::lock_guard lock(mutex_);
    open_.erase(socket.number());
    if (stays && !stopping_) returned_.push_back(std::move(socket));
    socket.close();
  }
  wake();
  return true;
}

void ConnectionPool::wake() {
  const char byte = 0;
  [[maybe_unused]] const ssize_t ignored = ::write(wake_.number(), &byte, 1);  // full: it is awake
}

void ConnectionPool::stop() {
  if (stopping_.exchange(true)) return;
  {
    const std::lock_guard lock(mutex_);
    for (const int socket : open_) ::shutdown(socket, SHUT_RD);
  }
  changed_.notify_all();
  wake();
  if (watcher_.joinable()) watcher_.join();
  for (std::thread& thread : threads_) thread.join();
  idle_.clear();
  ready_.clear();
  returned_.clear();
  listener_.close();
}

}  // namespace sunder::serve
