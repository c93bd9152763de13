#include "distributed/communicator.h"

#include <unistd.h>

#include <array>
#include <cstring>
#include <random>

#include "distributed/all_reduce.h"
#include "distributed/mpi.h"
#include "distributed/star.h"
#include "files/digest.h"

namespace sunder {
namespace {

// How the other ranks find rank 0, where MPI tells them.
struct Meeting {
  std::array<char, 256> host{};
  int32_t port = 0;
  uint64_t run = 0;
};

std::string own_host() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

// Of a launch without MPI: what its launcher calls it, so that processes of another run are strangers.
uint64_t run_number(const Launch& launch) {
  for (const char* name : {"TORCHELASTIC_RUN_ID", "SLURM_JOB_ID"})
    if (const char* text = std::getenv(name); text && *text) return low_word(sha256(text));
  return low_word(sha256(launch.address));
}

std::unique_ptr<Star> join(const StarMember& member, const Launch& launch) {
  if (member.rank > 0) return std::make_unique<Star>(member, launch.address, launch.port);
  return std::make_unique<Star>(member, Listener(launch.address, launch.port));
}

std::unique_ptr<Star> join_through(Mpi& mpi, StarMember member) {
  if (mpi.size() != member.size || mpi.rank() != member.rank)
    throw_error<UsageError>(
        "the launcher started rank {} of {}, but MPI sees rank {} of {}: its MPI is another one than this build's "
        "({}); "
        "for srun see --mpi, or set MASTER_ADDR and MASTER_PORT to do without MPI",
        member.rank, member.size, mpi.rank(), mpi.size(), mpi.name());
  Meeting meeting;
  std::unique_ptr<Listener> listener;
  if (member.rank == 0) {
    listener = std::make_unique<Listener>("", 0);
    std::strncpy(meeting.host.data(), own_host().c_str(), meeting.host.size() - 1);
    meeting.port = listener->port();
    std::random_device random;
    meeting.run = static_cast<uint64_t>(random()) << 32 | random();
  }
  mpi.broadcast(std::as_writable_bytes(std::span(&meeting, 1)));
  member.run = meeting.run;
  if (listener) return std::make_unique<Star>(member, *listener);
  const std::string host = meeting.host.data();
  return std::make_unique<Star>(member, host == own_host() ? "localhost" : host, meeting.port);
}

}  // namespace

struct Communicator::Parts {
  std::unique_ptr<Mpi> mpi;
  std::unique_ptr<Star> star;
  std::unique_ptr<AllReduce> all_reduce;
};

Communicator::Communicator() = default;
Communicator::~Communicator() = default;

Communicator::Communicator(const Launch& launch, double timeout) : launch_(launch) {
  if (launch.size == 1) return;
  parts_ = std::make_unique<Parts>();
  const StarMember member{launch.rank, launch.size, run_number(launch), timeout};
  if (!launch.address.empty()) {
    parts_->star = join(member, launch);
    parts_->all_reduce = star_all_reduce(*parts_->star);
    return;
  }
  parts_->mpi = Mpi::load(launch);
  parts_->star = join_through(*parts_->mpi, member);
  parts_->all_reduce = mpi_all_reduce(*parts_->mpi, *parts_->star);
}

std::string Communicator::description() const {
  return parts_ ? fmt::format("rank {} of {}, started by {}, {}", rank(), size(), launch_.launcher,
                              parts_->all_reduce->name())
                : "one process";
}

void Communicator::all_reduce_sum(const Tensor& values) {
  if (parts_) parts_->all_reduce->sum(values);
}

std::vector<std::string> Communicator::all_gather(const std::string& mine) {
  if (!parts_) return {mine};
  Star& star = *parts_->star;
  const Deadline deadline = star.deadline();
  std::vector<std::string> all(static_cast<size_t>(size()));
  if (!is_root()) {
    star.send(0, mine, deadline);
    for (std::string& text : all) text = star.receive(0, deadline);
    return all;
  }
  all[0] = mine;
  for (int rank = 1; rank < size(); ++rank) all[static_cast<size_t>(rank)] = star.receive(rank, deadline);
  for (int rank = 1; rank < size(); ++rank)
    for (const std::string& text : all) star.send(rank, text, deadline);
  return all;
}

std::string Communicator::broadcast(const std::string& of_root) {
  if (!parts_) return of_root;
  Star& star = *parts_->star;
  const Deadline deadline = star.deadline();
  if (!is_root()) return star.receive(0, deadline);
  for (int rank = 1; rank < size(); ++rank) star.send(rank, of_root, deadline);
  return of_root;
}

void Communicator::barrier() {
  if (parts_) parts_->star->meet(parts_->star->deadline());
}

void Communicator::end(const std::string& why) noexcept {
  if (parts_ && parts_->star) parts_->star->end(why);
}

void Communicator::finish() {
  if (!parts_) return;
  barrier();
  if (parts_->mpi) parts_->mpi->finish();
}

}  // namespace sunder
