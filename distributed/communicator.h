// The processes of a data-parallel run: what they sum, and what they tell one another.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "distributed/launch.h"
#include "distributed/rank_lost.h"
#include "tensor/tensor.h"

namespace sunder {

class Communicator {
 public:
  // Of a process alone: nothing is sent, sums are the values themselves.
  Communicator();
  // Joins the other processes, all within `timeout` seconds, which is also how long a rank may later keep the others
  // waiting. They meet at the launch's address, and then sockets carry everything; without one they meet through MPI,
  // which then carries the tensors. Throws UsageError where they cannot meet or were not started alike, RankLost where
  // one does not come.
  Communicator(const Launch& launch, double timeout);
  ~Communicator();
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  int rank() const { return launch_.rank; }
  int size() const { return launch_.size; }
  bool is_root() const { return launch_.rank == 0; }
  std::string description() const;  // "rank 1 of 4, started by mpirun, MPI"

  // All ranks call these in the same order. They throw RankLost, on all ranks that are left, where one is gone, does
  // not answer in time or has called end().
  void all_reduce_sum(const Tensor& values);                     // as AllReduce::sum
  std::vector<std::string> all_gather(const std::string& mine);  // by rank; small: it passes through rank 0
  std::string broadcast(const std::string& of_root);             // what rank 0 has given
  void barrier();

  // This rank cannot go on. The others learn why at once or when they next wait for it; returns when rank 0 has ended,
  // or after the timeout. Later calls do nothing.
  void end(const std::string& why) noexcept;
  // After the last call on all ranks. Returns when all are here.
  void finish();

 private:
  struct Parts;
  Launch launch_;
  std::unique_ptr<Parts> parts_;  // none alone
};

}  // namespace sunder
