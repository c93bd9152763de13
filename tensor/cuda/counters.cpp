#include "tensor/cuda/counters.h"

#include <list>
#include <mutex>

#include "tensor/cuda/runtime.h"
#include "tensor/error.h"

namespace sunder::cuda {
namespace {

struct Entry {
  Stream stream;
  std::byte* memory;
};

struct Cache {
  std::mutex mutex;
  std::list<Entry> entries;
};

Cache& cache() {
  static Cache* const entries = new Cache;  // never destroyed: the driver may be gone when static objects are
  return *entries;
}

}  // namespace

unsigned* counters(Stream stream) {
  const std::lock_guard lock(cache().mutex);
  for (const Entry& entry : cache().entries)
    if (entry.stream == stream) return reinterpret_cast<unsigned*>(entry.memory);
  constexpr size_t bytes = counter_count * sizeof(unsigned);
  std::byte* memory = allocate(bytes, stream.device);
  if (!memory)
    throw OutOfMemory(
        fmt::format("out of memory on {}: asked for {} bytes for counters", to_string(stream.device), bytes), bytes);
  fill(memory, 0, bytes, stream);
  cache().entries.push_back({stream, memory});
  return reinterpret_cast<unsigned*>(memory);
}

void forget_counters(Stream stream) {
  const std::lock_guard lock(cache().mutex);
  cache().entries.remove_if([&](const Entry& entry) {
    if (entry.stream != stream) return false;
    free(entry.memory, stream.device);
    return true;
  });
}

}  // namespace sunder::cuda
