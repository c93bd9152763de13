#include "tensor/parallel.h"

#include <pthread.h>

#include <atomic>
#include <utility>

#include "tensor/cpu_count.h"
#include "tensor/thread_team.h"

namespace sunder {
namespace {

std::atomic<int> requested = 0;
thread_local bool alone = false;

// Never destroyed: its threads may outlive static objects. A child process after fork() has none of them, and makes a
// team of its own.
std::atomic<ThreadTeam*> current_team = nullptr;

ThreadTeam& team() {
  static const int forks = ::pthread_atfork(nullptr, nullptr, [] { current_team = nullptr; });
  (void)forks;
  ThreadTeam* existing = current_team;
  if (existing) return *existing;
  auto* fresh = new ThreadTeam([] { alone = true; });
  if (current_team.compare_exchange_strong(existing, fresh)) return *fresh;
  delete fresh;  // another thread was faster
  return *existing;
}

}  // namespace

void set_num_threads(int count) { requested = count; }
void work_alone() { alone = true; }
WorkAlone::WorkAlone() : before_(std::exchange(alone, true)) {}
WorkAlone::~WorkAlone() { alone = before_; }

// Ops called from a worker do not nest.
int num_threads() { return alone ? 1 : team_size(); }

int team_size() {
  static const int usable = usable_cpus();
  const int count = requested;
  return count > 0 ? count : usable;
}

void run_parallel(int64_t chunks, ChunkLoop loop, const void* context) {
  const int threads = num_threads();
  const WorkAlone inside;
  team().run(threads, chunks, loop, context);
}

}  // namespace sunder
