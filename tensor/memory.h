// The caching pool behind every tensor: freed blocks are kept by size and handed out again, so that a training step in
// steady state asks the system for nothing. On the CPU it keeps at most three times what was ever in use, on CUDA all
// until an allocation fails. SUNDER_POOL=off gives every tensor an allocation of its own (sanitizers).
#pragma once

#include <cstddef>
#include <cstdint>
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

// Fills every new block with this byte (0: leaves it as it is). Tests run an op with two bytes: results that differ
// hold memory that nothing wrote.
void set_memory_poison(uint8_t byte);

// Memory of its own for work that is captured into a graph: a replay writes to the addresses it was recorded with, so
// nobody else may get them as long as the graph lives. Blocks that are freed are handed out again inside the arena; all
// of it counts as in use and goes back to the system with the arena and the last tensor in it.
class Arena {
 public:
  explicit Arena(Stream stream);
  size_t bytes() const;

  // While one lives, what this thread allocates on the arena's stream comes from the arena.
  class Scope {
   public:
    explicit Scope(const Arena& arena);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    std::shared_ptr<struct ArenaBlocks> before_;
  };

 private:
  std::shared_ptr<struct ArenaBlocks> blocks_;
};

// What a thread allocates on one stream while this lives, in order, and what it frees of that. Work that is the same
// but for its sizes leaves traces of one form.
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

// What the pool would hold after these events if it had nothing before: for every size class as many blocks as were
// handed out at once. An arena is as large.
size_t pool_bytes(const std::vector<MemoryTrace::Event>& events);

}  // namespace sunder
