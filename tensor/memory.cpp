#include "tensor/memory.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string_view>
#include <vector>

#include "tensor/error.h"

namespace sunder {
namespace {

constexpr size_t alignment = 64;
std::atomic<int> poison_byte = 0;

// A few size classes per power of two (an eighth apart), so that a freed block fits the next request of about its size.
size_t size_class(size_t bytes) {
  bytes = std::max(bytes, alignment);
  const size_t step = std::max(alignment, std::bit_floor(bytes) / 8);
  return (bytes + step - 1) / step * step;
}

class CpuPool {
 public:
  static CpuPool& instance() {
    static CpuPool* pool = new CpuPool;  // never destroyed: tensors with static storage outlive any order we could pick
    return *pool;
  }

  std::byte* take(size_t bytes) {
    std::lock_guard lock(mutex_);
    std::byte* block = nullptr;
    if (auto cached = cached_.find(bytes); cached != cached_.end() && !cached->second.empty()) {
      block = cached->second.back();
      cached->second.pop_back();
    } else {
      // posix_memalign takes any size, so that sanitizers see an overrun by one byte where the pool is off.
      void* memory = nullptr;
      if (::posix_memalign(&memory, alignment, bytes) == 0) block = static_cast<std::byte*>(memory);
      if (!block) {
        throw OutOfMemory(fmt::format("out of memory on the cpu: asked for {} bytes with {} in use; lower --batch", bytes,
                                      stats_.bytes_in_use), bytes);
      }
      stats_.bytes_reserved += bytes;
      ++stats_.allocations;
    }
    stats_.bytes_in_use += bytes;
    stats_.bytes_peak = std::max(stats_.bytes_peak, stats_.bytes_in_use);
    return block;
  }

  void give_back(std::byte* block, size_t bytes) {
    std::lock_guard lock(mutex_);
    stats_.bytes_in_use -= bytes;
    if (caching_) {
      cached_[bytes].push_back(block);
    } else {
      stats_.bytes_reserved -= bytes;
      std::free(block);
    }
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
    for (auto& [bytes, blocks] : cached_) {
      for (std::byte* block : blocks) std::free(block);
      stats_.bytes_reserved -= bytes * blocks.size();
    }
    cached_.clear();
  }

 private:
  CpuPool() {
    const char* setting = std::getenv("SUNDER_POOL");
    caching_ = !setting || std::string_view(setting) != "off";
  }

  std::mutex mutex_;
  bool caching_ = true;
  std::map<size_t, std::vector<std::byte*>> cached_;
  MemoryStats stats_;
};

}  // namespace

std::shared_ptr<std::byte> allocate(size_t bytes, Stream stream) {
  SUNDER_ASSERT(stream.device.is_cpu());
  CpuPool& pool = CpuPool::instance();
  const size_t rounded = pool.caching() ? size_class(bytes) : bytes;  // exact, so that a sanitizer sees every overrun
  std::byte* block = pool.take(rounded);
  if (const int poison = poison_byte) std::memset(block, poison, rounded);
  return {block, [rounded](std::byte* p) { CpuPool::instance().give_back(p, rounded); }};
}

void set_memory_poison(uint8_t byte) { poison_byte = byte; }
MemoryStats memory_stats(Device) { return CpuPool::instance().stats(); }
void reset_peak_memory(Device) { CpuPool::instance().reset_peak(); }
void release_cached_memory(Device) { CpuPool::instance().release(); }

}  // namespace sunder
