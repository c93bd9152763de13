// Runs the blocks of a launch, one after another, on the host thread that owns it.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "emulated/kernel.h"
#include "emulated/launch.h"
#include "tests/emulator/fiber.h"
#include "tests/emulator/shared_memory.h"

namespace sunder::emulator {

inline constexpr int max_threads = 1024, warp_lanes = 32;

// A fiber takes one thread of the block after another for as long as none has to wait, so a kernel without barriers
// runs as a plain loop. A thread that waits keeps its fiber, and the next one begins on another.
class BlockRunner {
 public:
  BlockRunner();
  ~BlockRunner();
  static BlockRunner& of_this_thread();
  // The runner whose kernel is running on this host thread, or null.
  static BlockRunner* active();

  void begin(const Launch& launch, const std::string& name);
  void run(uint3 block);  // throws Failure
  void end() { shared_.end(); }

  // Called by the thread that runs.
  int barrier(bool predicate, Site site);
  uint64_t exchange(unsigned mask, uint64_t value, int source, Site site);
  unsigned ballot(unsigned mask, bool predicate, Site site);
  unsigned active_lanes() const;
  int lane() const { return current_ % warp_lanes; }
  int threads() const { return threads_; }
  SharedMemory& shared() { return shared_; }
  // Leaves the kernel for good; run() throws Failure with text(). Works in a signal handler too. `text` is a function
  // because what is alive when the kernel is left is never destroyed.
  template <class Text>
  [[noreturn]] void fail(const Text& text) {
    failure_ = place() + ": " + text();
    leave();
  }
  std::string place() const;  // "kernel name, block (0, 0, 0), thread (3, 0, 0)"
  bool stack_overflowed_at(const void* address) const;

 private:
  enum class State : uint8_t { fresh, ready, at_barrier, at_warp_operation, done };
  struct Wait {
    Site site;
    unsigned mask = 0;
    uint64_t value = 0;  // brought, then the result
    int source = 0;      // a lane, or -1: a vote
  };

  struct Warp {
    unsigned waiting = 0, gone = 0;  // lanes: in an operation of the warp; returned, or never there
  };

  static void run_threads(Fiber& self);
  int next();  // the thread to run now, or -1 when all are done
  void wait();
  void finish_thread();
  void complete_warp_operation(unsigned mask, int first);
  void operate(unsigned mask, uint64_t value, int source, Site site);
  Fiber& idle_fiber();
  std::string waits() const;
  [[noreturn]] void leave();

  const Launch* launch_ = nullptr;
  std::string name_;
  int threads_ = 0, warps_ = 0;
  std::array<uint3, max_threads> coordinates_;
  std::array<int, max_threads> order_;  // threads by warp, in the order in which they run

  std::array<State, max_threads> states_;
  std::array<Wait, max_threads> waits_;
  std::array<Warp, max_threads / warp_lanes> warp_states_;
  std::array<Fiber*, max_threads> fibers_of_;
  int current_ = 0, position_ = 0;  // the thread that runs; where next() looks on in order_
  int done_ = 0, arrived_ = 0, true_predicates_ = 0, barrier_result_ = 0;
  Site barrier_site_;

  Fiber host_;
  Fiber* running_ = nullptr;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Fiber*> idle_;
  SharedMemory shared_;
  std::string failure_;
  std::unique_ptr<char[]> signal_stack_;
};

}  // namespace sunder::emulator
