#include "tensor/memory.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

#include "tensor/cuda/runtime.h"
#include "tensor/error.h"

namespace sunder {

struct ArenaBlocks {
  Stream stream;
  size_t limit = 0;                                       // bytes; 0: none
  size_t bytes = 0, in_use = 0, peak = 0;                 // of all its blocks; handed out now, and most ever
  std::map<size_t, std::vector<std::byte*>> free_blocks;  // by size
  std::shared_ptr<ArenaBlocks> whole;                     // of a part
  std::function<void()> give_up;                          // may be empty

  ArenaBlocks(Stream of, size_t most) : stream(of), limit(most) {}
  ~ArenaBlocks();
  void hand_out(size_t block) { peak = std::max(peak, in_use += block); }
  ArenaBlocks& root() { return whole ? *whole : *this; }
  void grow(size_t block) {
    bytes += block;
    if (whole) whole->bytes += block;
  }
  void shrink(size_t block) {
    bytes -= block;
    if (whole) whole->bytes -= block;
  }
};

struct TraceEvents {
  Stream stream;
  std::vector<MemoryTrace::Event> all;
  size_t blocks = 0;
};

namespace {

constexpr size_t alignment = 64;
// Work of one size keeps less than twice what it uses; items of ever new lengths would keep blocks of all of them.
constexpr size_t max_cached = 3;  // times the peak use
std::atomic<int> poison_byte = 0;
// Null or a scope's, and a trace's. Plain pointers: a thread's object with a destructor keeps a library in memory after
// dlclose, until the thread ends.
thread_local const std::shared_ptr<ArenaBlocks>* current_arena = nullptr;
thread_local const std::shared_ptr<TraceEvents>* current_trace = nullptr;

// What the calling thread's current one is, if it is for this stream.
template <class T>
std::shared_ptr<T> current_of(const std::shared_ptr<T>* current, Stream stream) {
  return current && (*current)->stream == stream ? *current : nullptr;
}

// A few size classes per power of two (an eighth apart), so that a freed block fits the next request of about its size.
size_t size_class(size_t bytes) {
  bytes = std::max(bytes, alignment);
  const size_t step = std::max(alignment, std::bit_floor(bytes) / 8);
  return (bytes + step - 1) / step * step;
}

std::byte* system_allocate(size_t bytes, Device device) {
  if (device.is_cuda()) return cuda::allocate(bytes, device);
  // posix_memalign takes any size, so that sanitizers see an overrun by one byte where the pool is off.
  void* memory = nullptr;
  return ::posix_memalign(&memory, alignment, bytes) == 0 ? static_cast<std::byte*>(memory) : nullptr;
}

void system_free(std::byte* block, Device device) {
  if (device.is_cuda()) cuda::free(block, device);
  else std::free(block);
}

class Pool {
 public:
  static Pool& of(Device device) {
    // Never destroyed: tensors with static storage may be destroyed later. The CPU's lies in static memory, of which
    // nothing is left when a library is unloaded.
    if (device.is_cpu()) {
      alignas(Pool) static std::byte place[sizeof(Pool)];
      static Pool& cpu = *new (place) Pool(device);
      return cpu;
    }
    static auto* pools = new std::map<std::pair<Device::Kind, int>, Pool*>;
    static std::mutex mutex;
    std::lock_guard lock(mutex);
    Pool*& pool = (*pools)[{device.kind, device.index}];
    if (!pool) pool = new Pool(device);
    return *pool;
  }

  // A freed block is reused for the next request of its size on the same stream: by the stream's order, earlier work
  // has finished with it before later work begins.
  std::byte* take(size_t bytes, Stream stream, ArenaBlocks* arena) {
    std::lock_guard lock(mutex_);
    std::vector<std::byte*>& free_blocks = arena ? arena->free_blocks[bytes] : cached_[{stream.handle, bytes}];
    if (!free_blocks.empty()) {
      std::byte* block = free_blocks.back();
      free_blocks.pop_back();
      if (arena) arena->hand_out(bytes);
      else count_in(bytes);
      return block;
    }
    ArenaBlocks* const whole = arena ? &arena->root() : nullptr;
    if (whole) keep_limit(*whole, bytes);
    std::byte* block = system_allocate(bytes, device_);
    if (!block) {
      release_locked();
      if (whole) release_locked(*whole);
      block = system_allocate(bytes, device_);
    }
    if (!block) throw OutOfMemory(out_of_memory(bytes), bytes);
    stats_.bytes_reserved += bytes;
    ++stats_.allocations;
    count_in(bytes);
    if (arena) {
      arena->grow(bytes);
      arena->hand_out(bytes);
    }
    return block;
  }

  void give_back(std::byte* block, size_t bytes, Stream stream, ArenaBlocks* arena) {
    std::lock_guard lock(mutex_);
    if (arena) {
      arena->free_blocks[bytes].push_back(block);
      arena->in_use -= bytes;
      // As below; graphs, whose blocks must stay where they are, are CUDA's alone.
      if (!device_.is_cuda() && arena->bytes - arena->in_use > max_cached * arena->peak) release_locked(*arena);
      return;
    }
    count_out(bytes);
    if (!caching_) return free_locked(block, bytes);
    cached_[{stream.handle, bytes}].push_back(block);
    // On CUDA freeing waits for the device, so there only a failing allocation frees cached blocks.
    if (!device_.is_cuda() && stats_.bytes_reserved - stats_.bytes_in_use > max_cached * peak_in_use_) release_locked();
  }

  void release(ArenaBlocks& arena) {
    std::lock_guard lock(mutex_);
    release_locked(arena);
  }

  MemoryStats stats() {
    std::lock_guard lock(mutex_);
    return stats_;
  }

  bool caching() const { return caching_; }

  void reset_peak() {
    std::lock_guard lock(mutex_);
    stats_.bytes_peak = stats_.bytes_in_use;
  }

  void release() {
    std::lock_guard lock(mutex_);
    release_locked();
  }

 private:
  explicit Pool(Device device) : device_(device) {
    const char* setting = std::getenv("SUNDER_POOL");
    caching_ = !setting || std::string_view(setting) != "off";
  }

  void count_in(size_t bytes) {
    stats_.bytes_in_use += bytes;
    stats_.bytes_peak = std::max(stats_.bytes_peak, stats_.bytes_in_use);
    peak_in_use_ = std::max(peak_in_use_, stats_.bytes_in_use);
    ++live_[bytes];
  }
  void count_out(size_t bytes) {
    stats_.bytes_in_use -= bytes;
    if (--live_[bytes] == 0) live_.erase(bytes);
  }

  void free_locked(std::byte* block, size_t bytes) {
    system_free(block, device_);
    stats_.bytes_reserved -= bytes;
  }
  void release_locked() {
    for (auto& [key, blocks] : cached_)
      for (std::byte* block : blocks) free_locked(block, key.second);
    cached_.clear();
  }

  void release_locked(ArenaBlocks& arena) {
    for (auto& [bytes, blocks] : arena.free_blocks) {
      for (std::byte* block : blocks) {
        count_out(bytes);
        free_locked(block, bytes);
        arena.shrink(bytes);
      }
    }
    arena.free_blocks.clear();
  }

  void keep_limit(ArenaBlocks& arena, size_t bytes) {
    if (arena.limit == 0 || arena.bytes + bytes <= arena.limit) return;
    release_locked(arena);
    if (arena.bytes + bytes <= arena.limit) return;
    throw OutOfMemory(fmt::format("out of memory: asked for {} bytes with {} in use and a limit of {}", bytes,
                                  arena.bytes, arena.limit),
                      bytes);
  }

  std::string out_of_memory(size_t bytes) const {
    constexpr double mib = 1 << 20;
    std::vector<std::pair<size_t, int64_t>> holders;  // total bytes, size
    for (const auto& [size, count] : live_) holders.emplace_back(size * count, size);
    std::sort(holders.rbegin(), holders.rend());
    std::string largest;
    for (size_t i = 0; i < std::min<size_t>(3, holders.size()); ++i)
      largest += fmt::format("{}{} of {:.1f} MiB", i ? ", " : "", holders[i].first / holders[i].second,
                             static_cast<double>(holders[i].second) / mib);
    std::string of_device;  // what is free shows whether another process holds the rest
    if (device_.is_cuda()) {
      const cuda::DeviceMemory memory = cuda::device_memory(device_);
      of_device = fmt::format(" ({:.1f} of the device's {:.1f} MiB are free)", static_cast<double>(memory.free) / mib,
                              static_cast<double>(memory.total) / mib);
    }
    return fmt::format(
        "out of memory on {}: asked for {} bytes ({:.1f} MiB) with {:.1f} MiB in use{}, most of it in tensors: {}",
        to_string(device_), bytes, static_cast<double>(bytes) / mib, static_cast<double>(stats_.bytes_in_use) / mib,
        of_device, largest.empty() ? "none" : largest);
  }

  Device device_;
  std::mutex mutex_;
  bool caching_ = true;
  std::map<std::pair<void*, size_t>, std::vector<std::byte*>> cached_;  // by stream and size
  std::map<size_t, int64_t> live_;                                      // blocks handed out, by size
  size_t peak_in_use_ = 0;                                              // ever, bytes
  MemoryStats stats_;
};

std::byte* take(Pool& pool, size_t bytes, Stream stream, ArenaBlocks* arena) {
  const ArenaBlocks* const whole = arena ? &arena->root() : nullptr;
  if (!whole || !whole->give_up) return pool.take(bytes, stream, arena);
  try {
    return pool.take(bytes, stream, arena);
  } catch (const OutOfMemory&) {
    whole->give_up();
  }
  return pool.take(bytes, stream, arena);
}

}  // namespace

std::shared_ptr<std::byte> allocate(size_t bytes, Stream stream) {
  Pool& pool = Pool::of(stream.device);
  // Exact without the pool, so that a sanitizer sees every overrun; but cudaMalloc returns no block for zero bytes.
  const size_t least = stream.device.is_cuda() ? 1 : 0;
  const size_t rounded = pool.caching() ? size_class(bytes) : std::max(bytes, least);
  const std::shared_ptr<ArenaBlocks> arena = current_of(current_arena, stream);
  std::byte* block = take(pool, rounded, stream, arena.get());
  if (const int poison = poison_byte) {
    if (stream.device.is_cuda()) cuda::fill(block, poison, rounded, stream);
    else std::memset(block, poison, rounded);
  }
  const std::shared_ptr<TraceEvents> trace = current_of(current_trace, stream);
  const size_t number = trace ? trace->blocks++ : 0;
  if (trace) trace->all.push_back({number, bytes, false});
  return {block, [rounded, stream, arena, trace, number, bytes](std::byte* p) {
            if (trace && current_trace && trace == *current_trace) trace->all.push_back({number, bytes, true});
            Pool::of(stream.device).give_back(p, rounded, stream, arena.get());
          }};
}

MemoryTrace::MemoryTrace(Stream stream) : events_(std::make_shared<TraceEvents>(TraceEvents{stream, {}, 0})) {
  current_trace = &events_;
}
MemoryTrace::~MemoryTrace() { current_trace = nullptr; }
const std::vector<MemoryTrace::Event>& MemoryTrace::events() const { return events_->all; }

size_t pool_bytes(const std::vector<MemoryTrace::Event>& events) {
  std::map<size_t, std::pair<int64_t, int64_t>> classes;  // blocks out now, and most at once
  for (const MemoryTrace::Event& event : events) {
    auto& [now, most] = classes[size_class(event.bytes)];
    now += event.freed ? -1 : 1;
    most = std::max(most, now);
  }
  size_t total = 0;
  for (const auto& [bytes, counts] : classes) total += bytes * static_cast<size_t>(counts.second);
  return total;
}

ArenaBlocks::~ArenaBlocks() { Pool::of(stream.device).release(*this); }
Arena::Arena(Stream stream, size_t limit) : blocks_(std::make_shared<ArenaBlocks>(stream, limit)) {}
Arena Arena::part() const {
  auto blocks = std::make_shared<ArenaBlocks>(blocks_->stream, 0);
  blocks->whole = blocks_->whole ? blocks_->whole : blocks_;
  return Arena(std::move(blocks));
}
size_t Arena::bytes() const { return blocks_->bytes; }
void Arena::trim() const { Pool::of(blocks_->stream.device).release(*blocks_); }
void Arena::on_shortage(std::function<void()> give_up) const { blocks_->give_up = std::move(give_up); }
Arena::Scope::Scope(const Arena& arena) : blocks_(arena.blocks_), before_(std::exchange(current_arena, &blocks_)) {}
Arena::Scope::~Scope() { current_arena = before_; }

void set_memory_poison(uint8_t byte) { poison_byte = byte; }
MemoryStats memory_stats(Device device) { return Pool::of(device).stats(); }
void reset_peak_memory(Device device) { Pool::of(device).reset_peak(); }
void release_cached_memory(Device device) { Pool::of(device).release(); }

}  // namespace sunder
