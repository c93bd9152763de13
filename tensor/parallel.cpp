#include "tensor/parallel.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <new>
#include <utility>

#include "tensor/cpu_count.h"
#include "tensor/thread_team.h"

namespace sunder {
namespace {

std::atomic<int> requested = 0;
thread_local int limit = 0;  // 0: none

// Never destroyed: its threads may outlive static objects. The first lies in static memory, of which nothing is left
// when a library is unloaded. A child process after fork() has none of its threads, and makes a team of its own.
std::atomic<ThreadTeam*> current_team = nullptr;

ThreadTeam& team() {
  alignas(ThreadTeam) static std::byte place[sizeof(ThreadTeam)];
  static const int forks = [] {
    current_team = new (place) ThreadTeam(work_alone);
    return ::pthread_atfork(nullptr, nullptr, [] { current_team = nullptr; });
  }();
  (void)forks;
  ThreadTeam* existing = current_team;
  if (existing) return *existing;
  auto* fresh = new ThreadTeam(work_alone);
  if (current_team.compare_exchange_strong(existing, fresh)) return *fresh;
  delete fresh;  // another thread was faster
  return *existing;
}

}  // namespace

void set_num_threads(int count) { requested = count; }
void work_alone() { limit = 1; }
ThreadLimit::ThreadLimit(int threads) : before_(std::exchange(limit, limit > 0 ? std::min(limit, threads) : threads)) {}
ThreadLimit::~ThreadLimit() { limit = before_; }

// Ops called from a worker do not nest.
int num_threads() { return limit > 0 ? std::min(limit, team_size()) : team_size(); }

void stop_threads() {
  if (ThreadTeam* existing = current_team) existing->stop();
}

int team_size() {
  static const int usable = usable_cpus();
  const int count = requested;
  return count > 0 ? count : usable;
}

void run_parallel(int64_t chunks, ChunkLoop loop, const void* context) {
  const int threads = num_threads();
  const ThreadLimit inside(1);
  team().run(threads, chunks, loop, context);
}

}  // namespace sunder
