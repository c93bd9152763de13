// How connections begin.
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <thread>

#include "distributed/connection.h"
#include "tensor/error.h"

namespace sunder {
namespace {

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

// None where the name cannot be resolved; `why` then says why.
Addresses resolve(const std::string& address, int port, bool passive, std::string& why) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = passive ? AI_PASSIVE : 0;
  addrinfo* found = nullptr;
  const int error =
      ::getaddrinfo(address.empty() ? nullptr : address.c_str(), std::to_string(port).c_str(), &wanted, &found);
  if (error != 0) why = error == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(error);
  return {error == 0 ? found : nullptr, &freeaddrinfo};
}

bool is_loopback(const addrinfo& entry) {
  if (entry.ai_family == AF_INET)
    return ntohl(reinterpret_cast<const sockaddr_in*>(entry.ai_addr)->sin_addr.s_addr) >> 24 == 127;
  return entry.ai_family == AF_INET6 &&
         IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<sockaddr_in6*>(entry.ai_addr)->sin6_addr);
}

FileDescriptor socket_of(const addrinfo& entry) {
  return FileDescriptor(::socket(entry.ai_family, SOCK_STREAM | SOCK_CLOEXEC, entry.ai_protocol));
}

struct Place {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  int port() const {
    return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                                               : reinterpret_cast<const sockaddr_in&>(address).sin_port);
  }
};

Place own_place(int socket) {
  Place place;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&place.address), &place.length);
  return place;
}

// Where nobody listens, a socket may get that very port as its own and be connected with itself.
bool is_with_itself(int socket) {
  const Place own = own_place(socket);
  Place peer;
  ::getpeername(socket, reinterpret_cast<sockaddr*>(&peer.address), &peer.length);
  return own.length == peer.length && std::memcmp(&own.address, &peer.address, own.length) == 0;
}

}  // namespace

Listener::Listener(const std::string& address, int port) {
  std::string why;
  Addresses places = resolve(address, port, /*passive=*/true, why);
  // A name that is not this machine's loopback may be that of any of its networks.
  if (places && !address.empty() && !is_loopback(*places)) places = resolve("", port, /*passive=*/true, why);
  for (const addrinfo* entry = places.get(); entry; entry = entry->ai_next) {
    FileDescriptor socket = socket_of(*entry);
    const int yes = 1;
    if (socket.is_open()) ::setsockopt(socket.number(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (socket.is_open() && ::bind(socket.number(), entry->ai_addr, entry->ai_addrlen) == 0 &&
        ::listen(socket.number(), SOMAXCONN) == 0) {
      socket_ = std::move(socket);
      port_ = own_place(socket_.number()).port();
      return;
    }
    why = std::strerror(errno);
  }
  throw_error("rank 0 cannot listen at {}:{}: {}", address.empty() ? "any address" : address, port, why);
}

FileDescriptor Listener::take(Deadline deadline) const {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    if (left <= 0) return FileDescriptor();
    pollfd entry{socket_.number(), POLLIN, 0};
    if (::poll(&entry, 1, static_cast<int>(std::min<int64_t>(left, 1000))) <= 0) continue;
    FileDescriptor taken(::accept4(socket_.number(), nullptr, nullptr, SOCK_CLOEXEC));
    if (taken.is_open()) return taken;
  }
}

FileDescriptor connect_to(const std::string& address, int port, Deadline deadline) {
  std::string why = "no answer";
  do {
    const Addresses places = resolve(address, port, /*passive=*/false, why);
    for (const addrinfo* entry = places.get(); entry; entry = entry->ai_next) {
      FileDescriptor socket = socket_of(*entry);
      // Sends are what SO_SNDTIMEO bounds, connect among them: a machine that is down answers nothing.
      timeval limit{5, 0};
      if (socket.is_open()) ::setsockopt(socket.number(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
      if (socket.is_open() && ::connect(socket.number(), entry->ai_addr, entry->ai_addrlen) == 0 &&
          !is_with_itself(socket.number()))
        return socket;
      why = std::strerror(errno);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  } while (std::chrono::steady_clock::now() < deadline);
  throw_error("rank 0 cannot be reached at {}:{}: {}", address, port, why);
}

}  // namespace sunder
