#include "distributed/star.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace sunder {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double hello_seconds = 5;  // a stranger who connects and says nothing must not stop the others

struct Hello {
  char name[8] = {'s', 'u', 'n', 'd', 'e', 'r', '0', '1'};
  uint64_t run = 0;
  int32_t rank = 0, size = 0;
};

Deadline after(double seconds) {
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

std::string missing_ranks(const std::vector<std::optional<Connection>>& members) {
  std::vector<size_t> missing;
  for (size_t i = 0; i < members.size(); ++i)
    if (!members[i]) missing.push_back(i + 1);
  std::string text = missing.size() == 1 ? "rank" : "ranks";
  for (size_t i = 0; i < std::min<size_t>(missing.size(), 8); ++i)
    text += fmt::format("{} {}", i > 0 ? "," : "", missing[i]);
  return text + (missing.size() > 8 ? ", ..." : "");
}

}  // namespace

Star::Star(const StarMember& member, const Listener& listener) : member_(member) { take_members(listener); }

Star::Star(const StarMember& member, const std::string& address, int port) : member_(member) {
  const Deadline until = deadline();
  peers_.emplace_back(connect_to(address, port, until));
  Hello hello;
  hello.run = member.run;
  hello.rank = member.rank;
  hello.size = member.size;
  send(0, std::as_bytes(std::span(&hello, 1)), until);
  receive(0, until);  // when all are there
}

void Star::take_members(const Listener& listener) {
  const Deadline until = deadline();
  std::vector<std::optional<Connection>> members(static_cast<size_t>(size() - 1));
  const auto refuse = [&](Connection& other, const std::string& why) {
    other.end({why, /*usage=*/true});
    for (auto& known : members)
      if (known) known->end({why, /*usage=*/true});
    throw UsageError(why);
  };
  for (size_t found = 0; found < members.size();) {
    FileDescriptor socket = listener.take(until);
    if (!socket.is_open()) {
      const std::string why =
          fmt::format("{} of {} did not join rank 0 within {:g} s", missing_ranks(members), size(), member_.timeout);
      for (auto& known : members)
        if (known) known->end({why});
      throw RankLost(why);
    }
    Connection other(std::move(socket));
    Hello hello;
    try {
      other.expect(std::as_writable_bytes(std::span(&hello, 1)), std::min(until, after(hello_seconds)));
      if (std::memcmp(hello.name, Hello().name, sizeof hello.name) != 0 || hello.run != member_.run) continue;
    } catch (...) {  // a stranger
      continue;
    }
    if (hello.size != size())
      refuse(other, fmt::format("rank {} was started as one of {} processes, rank 0 as one of {}", hello.rank,
                                hello.size, size()));
    if (hello.rank < 1 || hello.rank >= size() || members[static_cast<size_t>(hello.rank - 1)])
      refuse(other, fmt::format("two processes were started as rank {} of {}", hello.rank, size()));
    members[static_cast<size_t>(hello.rank - 1)] = std::move(other);
    ++found;
  }
  for (auto& member : members) peers_.push_back(std::move(*member));
  for (int rank = 1; rank < size(); ++rank) send(rank, std::string("welcome"), until);
}

Deadline Star::deadline() const {
  const double margin = std::min(5.0, member_.timeout / 10);
  return after(member_.timeout - (is_root() ? margin : 0));
}

void Star::lost(const Ended& ended) {
  why_ended_ = ended.why;
  if (is_root())
    for (Connection& other : peers_) other.end(ended);
  if (ended.usage) throw UsageError(ended.why);
  throw RankLost(ended.why);
}

template <class Work>
auto Star::guarded(int other, const Work& work) {
  if (!why_ended_.empty()) throw RankLost(why_ended_);
  try {
    return work();
  } catch (const Disconnected&) {
    lost({fmt::format("rank {} of {} is gone", other, size())});
  } catch (const OutOfTime&) {
    lost({fmt::format("rank {} of {} has not answered for {:g} s", other, size(), member_.timeout)});
  } catch (const Ended& ended) {
    lost({is_root() ? fmt::format("rank {} ended the run: {}", other, ended.why) : ended.why, ended.usage});
  }
}

// While rank 0 waits for one, another may be gone.
void Star::look_at_others(int waited_for) {
  if (!is_root()) return;
  for (int rank = 1; rank < size(); ++rank)
    if (rank != waited_for) guarded(rank, [&] { peer(rank).check_closed(); });
}

void Star::send(int other, std::span<const std::byte> bytes, Deadline deadline) {
  guarded(other, [&] { peer(other).send(bytes, deadline, [&] { look_at_others(other); }); });
}

void Star::expect(int other, std::span<std::byte> bytes, Deadline deadline) {
  guarded(other, [&] { peer(other).expect(bytes, deadline, [&] { look_at_others(other); }); });
}

std::string Star::receive(int other, Deadline deadline) {
  return guarded(other, [&] { return peer(other).receive(deadline, [&] { look_at_others(other); }); });
}

void Star::meet(Deadline deadline) {
  if (!is_root()) {
    send(0, std::string(), deadline);
    receive(0, deadline);
    return;
  }
  for (int other = 1; other < size(); ++other) receive(other, deadline);
  for (int other = 1; other < size(); ++other) send(other, std::string(), deadline);
}

void Star::check(Deadline deadline) {
  for (int other = is_root() ? 1 : 0; other < (is_root() ? size() : 1); ++other)
    guarded(other, [&] { peer(other).check(); });
  if (Clock::now() > deadline)
    lost({fmt::format("a rank has kept rank {} of {} waiting for {:g} s", rank(), size(), member_.timeout)});
}

void Star::end(const std::string& why) noexcept {
  if (why_ended_.empty())
    for (Connection& other : peers_) other.end({why});
  if (why_ended_.empty()) why_ended_ = why;
  if (is_root()) return;
  peers_[0].close_own_side();
  peers_[0].drain(deadline());
}

}  // namespace sunder
