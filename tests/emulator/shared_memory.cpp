#include "tests/emulator/shared_memory.h"

#include <sys/mman.h>

#include <cstring>
#include <new>

#include "tests/emulator/emulator.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(begin, bytes) ((void)0)
#define ASAN_UNPOISON_MEMORY_REGION(begin, bytes) ((void)0)
#endif

namespace sunder::emulator {
namespace {

constexpr size_t page = 4096, red_zone = 32;
// Room for both parts at their largest, with red zones.
constexpr size_t arena = (max_static_shared * 2 + max_shared + page - 1) / page * page;

size_t round_up(size_t value, size_t step) { return (value + step - 1) / step * step; }

}  // namespace

SharedMemory::SharedMemory() {
  void* mapping = mmap(nullptr, arena + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) throw std::bad_alloc();
  mapping_ = static_cast<char*>(mapping);
  mprotect(mapping_ + arena, page, PROT_NONE);
  ASAN_POISON_MEMORY_REGION(mapping_, arena);
  used_ = red_zone;
}

SharedMemory::~SharedMemory() {
  ASAN_UNPOISON_MEMORY_REGION(mapping_, arena);
  munmap(mapping_, arena + page);
}

void SharedMemory::begin(size_t dynamic_bytes) {
  dynamic_bytes_ = dynamic_bytes;
  dynamic_ = mapping_ + arena - round_up(dynamic_bytes, 16);  // 16: the largest vector access
  ASAN_UNPOISON_MEMORY_REGION(dynamic_, dynamic_bytes);
}

void SharedMemory::begin_block() {
  std::memset(dynamic_, settings().poison, dynamic_bytes_);
  for (Variable& variable : variables_) variable.filled = false;
}

void SharedMemory::end() {
  ASAN_POISON_MEMORY_REGION(mapping_, used_);
  ASAN_POISON_MEMORY_REGION(dynamic_, round_up(dynamic_bytes_, 16));
  variables_.clear();
  used_ = red_zone;
}

void* SharedMemory::variable(const void* key, size_t bytes, size_t alignment) {
  size_t total = bytes;
  for (Variable& variable : variables_) {
    total += variable.bytes;
    if (variable.key != key) continue;
    if (!variable.filled) std::memset(variable.begin, settings().poison, bytes);
    variable.filled = true;
    return variable.begin;
  }
  if (total > max_static_shared || total + dynamic_bytes_ > max_shared) return nullptr;
  char* begin = mapping_ + round_up(used_, alignment);
  used_ = static_cast<size_t>(begin - mapping_) + bytes + red_zone;
  ASAN_UNPOISON_MEMORY_REGION(begin, bytes);
  std::memset(begin, settings().poison, bytes);
  variables_.push_back({key, begin, bytes, true});
  return begin;
}

bool SharedMemory::overflowed_at(const void* address) const {
  return address >= mapping_ + arena && address < mapping_ + arena + page;
}

}  // namespace sunder::emulator
