// The caching pool behind every tensor: it keeps freed blocks by size and reuses them, so a training step in steady
// state makes no call to the system's allocator. On the CPU the pool keeps at most three times the peak use, on CUDA
// everything until an allocation fails. SUNDER_POOL=off gives every tensor an allocation of its own (for sanitizers).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "tensor/device.h"

namespace sunder {

struct MemoryStats {
  size_t bytes_in_use = 0;    // handed out now
  size_t bytes_peak = 0;      // most ever handed out since the last reset_peak_memory
  size_t bytes_reserved = 0;  // held from the system, the cached blocks included
  uint64_t allocations = 0;   // calls to the system's allocator so far
};

// A block of at least `bytes`, aligned to 64, uninitialised; returned to the pool by its deleter. Throws OutOfMemory.
std::shared_ptr<std::byte> allocate(size_t bytes, Stream stream);

MemoryStats memory_stats(Device device);
void reset_peak_memory(Device device);
// Gives all cached blocks back to the system.
void release_cached_memory(Device device);

// Fills every new block with this byte (0: leaves it as it is). Tests run an op with two different bytes: where the
// results differ, it read memory that nothing wrote.
void set_memory_poison(uint8_t byte);

// Private memory: of work that is captured into a graph, whose replay writes to the recorded addresses, so that nothing
// else may use them while the graph lives, or of one client among many, who has a limit. Freed blocks are reused inside
// the arena. All of it counts as in use, and returns to the system with the arena and its last tensor.
class Arena {
 public:
  // Where an allocation would exceed `limit` bytes (0: none), the arena's unused blocks are freed first; where that is
  // not enough it throws OutOfMemory.
  explicit Arena(Stream stream, size_t limit = 0);
  // An arena for a graph, whose blocks count as this one's, too, but are never freed before it.
  Arena part() const;
  size_t bytes() const;  // those of its parts included
  // Gives its own unused blocks back to the system.
  void trim() const;
  // Called where an allocation in it or in a part would throw OutOfMemory, which is then tried once more: gives up what
  // is there for speed alone.
  void on_shortage(std::function<void()> give_up) const;

  // During its lifetime this thread's allocations on the arena's stream come from the arena.
  class Scope {
   public:
    explicit Scope(const Arena& arena);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    std::shared_ptr<struct ArenaBlocks> blocks_;
    const std::shared_ptr<struct ArenaBlocks>* before_;
  };

 private:
  explicit Arena(std::shared_ptr<struct ArenaBlocks> blocks) : blocks_(std::move(blocks)) {}

  std::shared_ptr<struct ArenaBlocks> blocks_;
};

// Records what a thread allocates on one stream during the lifetime of this object, and what it frees of that, in
// order.
class MemoryTrace {
 public:
  struct Event {
    size_t block;  // counted from 0
    size_t bytes;  // as asked for
    bool freed;
  };

  explicit MemoryTrace(Stream stream);
  ~MemoryTrace();
  MemoryTrace(const MemoryTrace&) = delete;
  MemoryTrace& operator=(const MemoryTrace&) = delete;

  const std::vector<Event>& events() const;

 private:
  std::shared_ptr<struct TraceEvents> events_;
};

// The size of an empty pool after these events: for every size class, the largest number of blocks in use at a time. An
// arena is as large.
size_t pool_bytes(const std::vector<MemoryTrace::Event>& events);

}  // namespace sunder
