// Every rank's connection with rank 0, over which ranks agree and learn of one another's end. Whatever carries the
// tensors, it is here that a rank that is gone is noticed.
#pragma once

#include <vector>

#include "distributed/connection.h"
#include "distributed/rank_lost.h"

namespace sunder {

struct StarMember {
  int rank, size;
  uint64_t run = 0;  // the same number in all processes of a run, where the launcher gives one
  double timeout;    // seconds that a rank may keep the others waiting
};

class Star {
 public:
  // Rank 0: waits for all others. Throws UsageError where they were started otherwise, RankLost where one does not
  // come.
  Star(const StarMember& member, const Listener& listener);
  // Another rank: joins rank 0.
  Star(const StarMember& member, const std::string& address, int port);
  Star(const Star&) = delete;
  Star& operator=(const Star&) = delete;

  int rank() const { return member_.rank; }
  int size() const { return member_.size; }
  bool is_root() const { return member_.rank == 0; }
  // Of an operation that begins now. Rank 0's is the earlier one, so that it can tell the others whom it misses.
  Deadline deadline() const;

  // peer: 0 for all ranks but 0. They throw RankLost where a rank is gone, keeps the others waiting or has ended the
  // run; rank 0 then tells the others. UsageError where rank 0 found that the ranks were not started alike.
  void send(int peer, std::span<const std::byte> bytes, Deadline deadline);
  void send(int peer, const std::string& text, Deadline deadline) {
    send(peer, std::as_bytes(std::span(text)), deadline);
  }
  void expect(int peer, std::span<std::byte> bytes, Deadline deadline);
  std::string receive(int peer, Deadline deadline);
  // All ranks are here.
  void meet(Deadline deadline);
  // Throws the same, without waiting. For those who wait for something else; until `deadline`.
  void check(Deadline deadline);

  // Tells the others that this rank ends the run, and why; once. Another rank than 0 then stays until rank 0 has closed
  // its connection, or the timeout: a launcher may kill all when the first process ends, and rank 0 may be saving.
  void end(const std::string& why) noexcept;

 private:
  Connection& peer(int rank) { return peers_[is_root() ? rank - 1 : 0]; }
  void take_members(const Listener& listener);
  template <class Work>
  auto guarded(int peer, const Work& work);
  void look_at_others(int waited_for);
  [[noreturn]] void lost(const Ended& ended);

  StarMember member_;
  std::vector<Connection> peers_;  // of rank 0: ranks 1, 2, ...; of others: rank 0
  std::string why_ended_{};        // empty: it goes on
};

}  // namespace sunder
