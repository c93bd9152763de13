#include "tests/emulator/block.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <numeric>
#include <utility>

#include "tests/emulator/emulator.h"

namespace sunder::emulator {
namespace {

thread_local BlockRunner* running = nullptr;

std::string to_string(uint3 p) { return fmt::format("({}, {}, {})", p.x, p.y, p.z); }
std::string to_string(const Site& site) { return fmt::format("{}:{}", site.file_name(), site.line()); }
bool same(const Site& a, const Site& b) {
  return a.line() == b.line() && std::strcmp(a.file_name(), b.file_name()) == 0;
}

// 0 .. count - 1 in the order of the settings. Shuffled: steps of about 0.38 of the count that meet every number once.
int ordered(int i, int count) {
  switch (settings().order) {
    case Order::forward:
      return i;
    case Order::backward:
      return count - 1 - i;
    case Order::shuffled:
      break;
  }
  int step = std::max(1, count * 3 / 8);
  while (std::gcd(step, count) != 1) ++step;
  return static_cast<int>((static_cast<int64_t>(i) * step + count / 2) % count);
}

}  // namespace

constinit thread_local Here here;

// The handler of access violations runs on a stack of its own: a kernel's may be the one that overflowed.
BlockRunner::BlockRunner() {
  stack_t present;
  if (sigaltstack(nullptr, &present) != 0 || !(present.ss_flags & SS_DISABLE)) return;
  constexpr size_t bytes = 64 << 10;
  signal_stack_ = std::make_unique<char[]>(bytes);
  const stack_t own{signal_stack_.get(), 0, bytes};
  sigaltstack(&own, nullptr);
}

BlockRunner::~BlockRunner() {
  const stack_t none{nullptr, SS_DISABLE, 0};
  if (signal_stack_) sigaltstack(&none, nullptr);
}

BlockRunner& BlockRunner::of_this_thread() {
  thread_local BlockRunner runner;
  return runner;
}
BlockRunner* BlockRunner::active() { return running; }

void BlockRunner::begin(const Launch& launch, const std::string& name) {
  launch_ = &launch;
  name_ = name;
  here.block_size = launch.block;
  here.grid_size = launch.grid;
  threads_ = static_cast<int>(launch.block.x * launch.block.y * launch.block.z);
  warps_ = (threads_ + warp_lanes - 1) / warp_lanes;
  for (int i = 0; i < threads_; ++i) {
    const unsigned t = static_cast<unsigned>(i), x = launch.block.x, y = launch.block.y;
    coordinates_[i] = {t % x, t / x % y, t / (x * y)};
  }
  for (int warp = 0; warp < warps_; ++warp)
    for (int lane = 0; lane < warp_lanes; ++lane)
      order_[warp * warp_lanes + lane] = ordered(warp, warps_) * warp_lanes + ordered(lane, warp_lanes);
  shared_.begin(launch.dynamic_shared);
}

void BlockRunner::run(uint3 block) {
  here.block = block;
  std::fill_n(states_.begin(), threads_, State::fresh);
  std::fill_n(states_.begin() + threads_, warps_ * warp_lanes - threads_, State::done);
  warp_states_.fill({});
  if (threads_ % warp_lanes != 0) warp_states_[warps_ - 1].gone = ~0u << threads_ % warp_lanes;
  done_ = arrived_ = true_predicates_ = position_ = 0;
  shared_.begin_block();
  current_ = next();
  running = this;
  running_ = &idle_fiber();
  host_.switch_to(*running_);
  running = nullptr;
  if (failure_.empty()) return;
  fibers_.clear();  // threads were left in the middle
  idle_.clear();
  throw Failure(std::exchange(failure_, {}));
}

void BlockRunner::run_threads(Fiber& self) {
  for (;;) {
    BlockRunner& block = *running;
    here.thread = block.coordinates_[block.current_];
    block.launch_->call();
    block.finish_thread();
    const int thread = block.next();
    if (thread >= 0) block.current_ = thread;
    if (thread >= 0 && block.states_[thread] == State::fresh) continue;
    block.idle_.push_back(&self);
    self.switch_to(thread < 0 ? block.host_ : *(block.running_ = block.fibers_of_[thread]));
  }
}

// Stays in a warp until all its lanes wait, so that they meet. Only what completes a wait moves the position back.
int BlockRunner::next() {
  for (const int end = warps_ * warp_lanes; position_ < end; ++position_) {
    const State state = states_[order_[position_]];
    if (state == State::fresh || state == State::ready) return order_[position_++];
  }
  if (done_ < threads_) fail([&] { return "the block cannot go on, its threads wait for each other" + waits(); });
  return -1;
}

// Lets others run until this thread's wait is over.
void BlockRunner::wait() {
  const int me = current_;
  Fiber* self = running_;
  fibers_of_[me] = self;
  current_ = next();
  if (current_ != me) {
    running_ = states_[current_] == State::fresh ? &idle_fiber() : fibers_of_[current_];
    self->switch_to(*running_);
  }
  here.thread = coordinates_[me];
}

void BlockRunner::finish_thread() {
  states_[current_] = State::done;
  ++done_;
  if (arrived_ > 0)
    fail([&] {
      return fmt::format("returned while others wait at the barrier at {}: not all threads reach it",
                         to_string(barrier_site_));
    });
  Warp& warp = warp_states_[current_ / warp_lanes];
  warp.gone |= 1u << lane();
  for (int other = 0; other < warp_lanes; ++other)
    if (warp.waiting >> other & 1) complete_warp_operation(waits_[current_ - lane() + other].mask, current_ - lane());
}

int BlockRunner::barrier(bool predicate, Site site) {
  if (done_ > 0)
    fail([&] {
      return fmt::format("waits at the barrier at {}, but a thread of the block has returned: not all threads reach it",
                         to_string(site));
    });
  if (arrived_ > 0 && !same(site, barrier_site_))
    fail([&] {
      return fmt::format("waits at the barrier at {} while another thread waits at {}", to_string(site),
                         to_string(barrier_site_));
    });
  barrier_site_ = site;
  waits_[current_].site = site;
  states_[current_] = State::at_barrier;
  true_predicates_ += predicate;
  if (++arrived_ == threads_) {
    std::fill_n(states_.begin(), threads_, State::ready);
    barrier_result_ = true_predicates_;
    arrived_ = true_predicates_ = position_ = 0;
  }
  wait();
  return barrier_result_;
}

void BlockRunner::operate(unsigned mask, uint64_t value, int source, Site site) {
  const int first = current_ - lane();
  if (!(mask >> lane() & 1))
    fail([&] { return fmt::format("is not in the mask {:#x} it gives at {}", mask, to_string(site)); });
  waits_[current_] = {site, mask, value, source};
  states_[current_] = State::at_warp_operation;
  warp_states_[first / warp_lanes].waiting |= 1u << lane();
  complete_warp_operation(mask, first);
  wait();
}

// Completes the operation if all lanes of the mask that have not returned wait with this very mask.
void BlockRunner::complete_warp_operation(unsigned mask, int first) {
  Warp& warp = warp_states_[first / warp_lanes];
  if (mask & ~(warp.waiting | warp.gone)) return;
  unsigned waiting = 0, votes = 0;
  const Site* site = nullptr;
  for (int lane = 0; lane < warp_lanes; ++lane) {
    const int thread = first + lane;
    if (!(mask & ~warp.gone & 1u << lane)) continue;
    if (waits_[thread].mask != mask) return;
    waiting |= 1u << lane;
    votes |= (waits_[thread].value != 0 ? 1u : 0u) << lane;
    if (site && !same(*site, waits_[thread].site))
      fail([&] {
        return fmt::format("meets lanes of its warp at {} with an operation at {}", to_string(*site),
                           to_string(waits_[thread].site));
      });
    site = &waits_[thread].site;
  }
  uint64_t results[warp_lanes];
  for (int lane = 0; lane < warp_lanes; ++lane) {
    if (!(waiting >> lane & 1)) continue;
    const int source = waits_[first + lane].source;
    if (source >= 0 && !(waiting >> source & 1))
      fail([&] {
        return fmt::format("lane {} reads from lane {}, which does not take part in the shuffle at {}", lane, source,
                           to_string(*site));
      });
    results[lane] = source >= 0 ? waits_[first + source].value : votes;
  }
  for (int lane = 0; lane < warp_lanes; ++lane) {
    if (!(waiting >> lane & 1)) continue;
    waits_[first + lane].value = results[lane];
    states_[first + lane] = State::ready;
  }
  warp.waiting &= ~waiting;
  position_ = (position_ - 1) / warp_lanes * warp_lanes;  // of the running thread's warp
}

uint64_t BlockRunner::exchange(unsigned mask, uint64_t value, int source, Site site) {
  operate(mask, value, source, site);
  return waits_[current_].value;
}

unsigned BlockRunner::ballot(unsigned mask, bool predicate, Site site) {
  operate(mask, predicate, -1, site);
  return static_cast<unsigned>(waits_[current_].value);
}

unsigned BlockRunner::active_lanes() const { return ~warp_states_[current_ / warp_lanes].gone; }

Fiber& BlockRunner::idle_fiber() {
  if (idle_.empty()) {
    fibers_.push_back(std::make_unique<Fiber>(&run_threads));
    idle_.push_back(fibers_.back().get());
  }
  Fiber* fiber = idle_.back();
  idle_.pop_back();
  return *fiber;
}

std::string BlockRunner::place() const {
  return fmt::format("kernel {}, block {}, thread {}", name_, to_string(here.block),
                     to_string(coordinates_[std::max(current_, 0)]));
}

bool BlockRunner::stack_overflowed_at(const void* address) const { return running_->overflowed_at(address); }

void BlockRunner::leave() {
  running_->switch_to(host_);
  std::abort();  // nobody comes back
}

// Names one thread of each kind of wait.
std::string BlockRunner::waits() const {
  std::map<std::string, int> first;
  for (int thread = 0; thread < threads_; ++thread) {
    if (states_[thread] == State::done) continue;
    const bool at_barrier = states_[thread] == State::at_barrier;
    first.emplace(
        fmt::format("{} at {}", at_barrier ? "at the barrier" : fmt::format("for lanes {:#x}", waits_[thread].mask),
                    to_string(waits_[thread].site)),
        thread);
  }
  std::string text;
  for (const auto& [what, thread] : first)
    text += fmt::format("; thread {} waits {}", to_string(coordinates_[thread]), what);
  return text;
}

namespace {

BlockRunner& in_kernel(const char* what) {
  if (!running) throw Failure(fmt::format("{} outside a kernel", what));
  return *running;
}

}  // namespace

int barrier(bool predicate, Site site) { return in_kernel("__syncthreads").barrier(predicate, site); }
int threads_in_block() { return in_kernel("__syncthreads_and").threads(); }
uint64_t exchange(unsigned mask, uint64_t value, int source, Site site) {
  return in_kernel("__shfl_sync").exchange(mask, value, source, site);
}
unsigned ballot(unsigned mask, bool predicate, Site site) {
  return in_kernel("__ballot_sync").ballot(mask, predicate, site);
}
unsigned active_lanes() { return in_kernel("__activemask").active_lanes(); }
int lane() { return in_kernel("a shuffle").lane(); }
void* dynamic_shared() { return in_kernel("dynamic shared memory").shared().dynamic(); }
void* static_shared(const void* key, size_t bytes, size_t alignment) {
  BlockRunner& block = in_kernel("shared memory");
  void* memory = block.shared().variable(key, bytes, alignment);
  if (!memory)
    block.fail([&] {
      return fmt::format("{} more bytes of static shared memory are over the limit of {} ({} with the dynamic part)",
                         bytes, max_static_shared, max_shared);
    });
  return memory;
}
void fail_in_kernel(const char* what, Site site) {
  in_kernel(what).fail([&] { return fmt::format("{} at {}", what, to_string(site)); });
}

}  // namespace sunder::emulator
