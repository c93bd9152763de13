// A CUDA device in software: what tests set and read (README.md says how it works and what it finds).
#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace sunder::emulator {

// A mistake of the code that runs on the emulator. The message names kernel, block and thread where one was running.
struct Failure : std::logic_error {
  using std::logic_error::logic_error;
};

enum class Order { forward, backward, shuffled };

// Read from the environment once: SUNDER_EMULATOR_<NAME IN CAPITALS>. Tests change them in place.
struct Settings {
  Order order = Order::forward;  // of a block's warps and lanes between two waits, and of the blocks
  uint8_t poison = 0xff;         // fills device, pinned and shared memory that nothing wrote; 0xff: NaN and -1
  bool delay = false;            // work on streams waits until something waits for it
  int devices = 1;
  size_t memory_mib = 16384;  // of each device
  int driver = 13000;         // cudaDriverGetVersion; 0: no driver
  int capability = 90;
  int code = 80;  // the lowest capability that the program has code for
  // The launch with number `fail_launch` (from 0; -1: none) returns this error; from 700 on errors are sticky.
  int64_t fail_launch = -1;
  int fail_error = 700;
  // Once so many kernels ran (-1: never), the next launch returns fail_error; if that is 2, all allocations do.
  int64_t fail_after = -1;
  bool report = false;  // at exit: counters and leaks on stderr
};
Settings& settings();

struct Counters {
  uint64_t launches = 0;  // kernels and library calls that the host queued, one by one
  uint64_t graph_launches = 0;
  uint64_t kernels = 0;        // that ran, those in graphs included
  uint64_t library_calls = 0;  // that ran: cuBLAS, cuFFT, cuSOLVER
  uint64_t threads = 0;
  uint64_t copies = 0, memsets = 0;
  uint64_t bytes_to_device = 0, bytes_to_host = 0, bytes_on_device = 0;
  uint64_t synchronisations = 0;  // the host waited: synchronize calls, cudaMemcpy, cudaFree, copies of pageable memory
  uint64_t allocations = 0, frees = 0;  // calls to the device's allocator
  uint64_t bytes_in_use = 0, bytes_peak = 0;
};
Counters& counters();
// How often each kernel ran, by its demangled name.
const std::map<std::string, uint64_t>& kernels_run();

// Memory, streams, events, graphs and library handles that nobody released, one line each.
std::vector<std::string> leaks();

}  // namespace sunder::emulator
