// MPI as far as a run needs it: how ranks meet, and a ring that sums tensors.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "distributed/all_reduce.h"
#include "distributed/launch.h"

struct SunderMpi;

namespace sunder {

class Mpi {
 public:
  // Loads the module that was built with Sunder (SUNDER_MPI) and begins. Throws UsageError where there is none: the
  // launch's processes then have no way to meet.
  static std::unique_ptr<Mpi> load(const Launch& launch);

  int rank() const { return rank_; }
  int size() const { return size_; }
  std::string name() const;
  void broadcast(std::span<std::byte> bytes);
  // `check` is called while it waits; what it throws is thrown, and the memory must then stay.
  void exchange(int to, std::span<const std::byte> sent, int from, std::span<std::byte> received,
                const std::function<void()>& check);
  // Only where all ranks do so: it waits for them.
  void finish();

 private:
  explicit Mpi(const SunderMpi& functions);
  const SunderMpi& functions_;
  int rank_ = 0, size_ = 1;
};

// A ring: each rank passes a part of the sum on to the next one, so that none sends or receives more than twice the
// values, however many ranks there are. Both must outlive it.
std::unique_ptr<AllReduce> mpi_all_reduce(Mpi& mpi, Star& star);

}  // namespace sunder
