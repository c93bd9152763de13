#include "tensor/thread_team.h"

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <thread>
#include <utility>

namespace sunder {
namespace {

constexpr uint64_t open = uint64_t{1} << 31, inside_mask = open - 1;
uint64_t state_of(uint32_t number) { return uint64_t{number} << 32; }

// Between two loops of a training step pass some tens of microseconds, and waking a thread that sleeps takes as long.
constexpr std::chrono::microseconds spin_time{100};
constexpr int spins_before_yield = 200;

void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Returns when `done` is true of the value.
template <class Done>
void wait_for(const std::atomic<uint32_t>& value, const Done& done) {
  for (int i = 0; i < spins_before_yield; ++i) {
    if (done(value.load(std::memory_order_acquire))) return;
    pause_briefly();
  }
  const auto end = std::chrono::steady_clock::now() + spin_time;
  while (std::chrono::steady_clock::now() < end) {
    if (done(value.load(std::memory_order_acquire))) return;
    ::sched_yield();
  }
  for (;;) {
    const uint32_t now = value.load(std::memory_order_acquire);
    if (done(now)) return;
    value.wait(now, std::memory_order_acquire);
  }
}

// Signals are for the program's own threads; faults of a thread's own code stay its own.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS}) sigdelset(&all, fault);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

void ThreadTeam::run(int threads, int64_t chunks, ChunkLoop loop, const void* context) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  const int members = lock ? static_cast<int>(std::min<int64_t>(grow(threads), chunks)) : 1;
  if (members <= 1) return loop(context, 0, chunks);
  begin(members, chunks, loop, context);
  work(0);
  end();
  if (failed_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

// How many members a team of `threads` has.
int ThreadTeam::grow(int threads) {
  const auto members = [&] { return static_cast<int>(threads_.size()) + 1; };
  while (members() < threads && !full_) {
    try {
      const SignalsBlocked blocked;
      threads_.emplace_back([this, member = members(), seen = published_.load()] { serve(member, seen); });
    } catch (const std::exception&) {
      full_ = true;
    }
  }
  return std::min(threads, members());
}

void ThreadTeam::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  published_.fetch_add(1);
  published_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  std::vector<std::thread>().swap(threads_);
  std::vector<std::unique_ptr<Range>>().swap(ranges_);
  stopping_ = false;
}

void ThreadTeam::begin(int members, int64_t chunks, ChunkLoop loop, const void* context) {
  constexpr int64_t pieces = 4;  // of a range, so that others can help with the end of it
  while (static_cast<int>(ranges_.size()) < members) ranges_.push_back(std::make_unique<Range>());
  job_ = {loop, context, members, std::max<int64_t>(1, chunks / (members * pieces))};
  for (int member = 0; member < members; ++member) {
    ranges_[member]->next.store(chunks * member / members, std::memory_order_relaxed);
    ranges_[member]->end = chunks * (member + 1) / members;
  }
  failed_ = false;
  const uint32_t number = published_.load(std::memory_order_relaxed) + 1;
  state_.store(state_of(number) | open, std::memory_order_release);
  published_ = number;  // sequentially consistent, as notify looks for who waits
  published_.notify_all();
}

// All pieces were taken when the caller found no more: what remains is what other threads are in.
void ThreadTeam::end() {
  const uint64_t before = state_.fetch_and(~open, std::memory_order_acq_rel);
  if ((before & inside_mask) == 0) return;
  const uint32_t number = published_.load(std::memory_order_relaxed);
  wait_for(left_, [&](uint32_t value) { return value == number; });
}

void ThreadTeam::work(int member) {
  for (int i = 0; i < job_.members; ++i) {
    Range& range = *ranges_[(member + i) % job_.members];
    while (!failed_.load(std::memory_order_relaxed)) {
      const int64_t first = range.next.fetch_add(job_.piece, std::memory_order_relaxed);
      if (first >= range.end) break;
      run_piece(first, std::min(range.end, first + job_.piece));
    }
  }
}

void ThreadTeam::run_piece(int64_t first, int64_t last) {
  try {
    job_.loop(job_.context, first, last);
  } catch (...) {
    const std::lock_guard lock(failure_mutex_);
    if (failed_ && failed_chunk_ < first) return;
    failure_ = std::current_exception();
    failed_chunk_ = first;
    failed_ = true;
  }
}

void ThreadTeam::serve(int member, uint32_t seen) {
  at_start_();
  for (;;) {
    wait_for(published_, [&](uint32_t value) { return value != seen; });
    seen = published_.load(std::memory_order_acquire);
    if (stopping_) return;
    if (!enter(seen)) continue;
    if (member < job_.members) work(member);
    leave();
  }
}

bool ThreadTeam::enter(uint32_t number) {
  uint64_t state = state_.load(std::memory_order_acquire);
  while ((state >> 32) == number && (state & open) != 0)
    if (state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel, std::memory_order_acquire))
      return true;
  return false;
}

void ThreadTeam::leave() {
  const uint64_t before = state_.fetch_sub(1, std::memory_order_acq_rel);
  if ((before & open) != 0 || (before & inside_mask) != 1) return;
  left_ = static_cast<uint32_t>(before >> 32);
  left_.notify_one();
}

}  // namespace sunder
