#include "tests/emulator/memory.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <deque>
#include <map>

#include "tests/emulator/emulator.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(begin, bytes) ((void)0)
#define ASAN_UNPOISON_MEMORY_REGION(begin, bytes) ((void)0)
#endif

namespace sunder::emulator::memory {
namespace {

constexpr size_t page = 4096, alignment = 256;
constexpr size_t guard = 16 * page;  // without access, on both sides
constexpr size_t huge_page = 2 << 20;
constexpr size_t max_freed = 1024;      // freed ranges whose addresses are not used again yet
constexpr unsigned char canary = 0xc5;  // between an allocation and the pages around it

// [guard | front slack, begin .. begin + bytes, tail slack | guard]; the tail slack is shorter than the alignment, so
// an overrun hits the guard or, under AddressSanitizer, the poisoned slack at once.
struct Allocation {
  char* mapping = nullptr;
  size_t mapped = 0;
  char* begin = nullptr;
  size_t bytes = 0;
  int device = 0;
  bool live = true;
  bool open = false;

  char* pages() const { return mapping + guard; }
  size_t page_bytes() const { return mapped - 2 * guard; }
  char* end() const { return begin + bytes; }
};

struct Spin {  // several host threads may fault at once
  std::atomic_flag flag;
  void lock() {
    while (flag.test_and_set(std::memory_order_acquire)) {
    }
  }
  void unlock() { flag.clear(std::memory_order_release); }
};

struct State {
  std::map<const char*, Allocation> all;  // by mapping, freed ones included
  std::map<const char*, size_t> pinned;
  std::deque<const char*> freed;
  std::vector<Allocation*> open;
  std::map<int, size_t> in_use;
  Spin spin;
};

State& state() {
  static State* only = new State;  // never destroyed: pools in static storage release into it
  return *only;
}

Allocation* around(const void* address) {
  auto& all = state().all;
  auto next = all.upper_bound(static_cast<const char*>(address));
  if (next == all.begin()) return nullptr;
  Allocation& found = std::prev(next)->second;
  return address < found.mapping + found.mapped ? &found : nullptr;
}

void set_open(Allocation& allocation, bool open) {
  if (allocation.open == open) return;
  mprotect(allocation.pages(), allocation.page_bytes(), open ? PROT_READ | PROT_WRITE : PROT_NONE);
  allocation.open = open;
  if (open) state().open.push_back(&allocation);
}

#ifdef __SANITIZE_ADDRESS__
__attribute__((no_sanitize_address))
#endif
bool intact(const char* begin, const char* end) {
  bool same = true;
  for (; begin < end; ++begin) same &= static_cast<unsigned char>(*begin) == canary;
  return same;
}

bool intact(const Allocation& a) { return intact(a.pages(), a.begin) && intact(a.end(), a.pages() + a.page_bytes()); }

size_t round_up(size_t value, size_t step) { return (value + step - 1) / step * step; }

// Pages without access between guards. Opening and closing them is what a launch costs here, so large ranges end where
// a huge page does (one entry to change for 512), and no range merges with its guards.
Allocation map_guarded(size_t pages) {
  const size_t slack = pages >= huge_page ? huge_page : 0;
  void* mapping =
      mmap(nullptr, pages + 2 * guard + slack, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) return {};
  Allocation a{static_cast<char*>(mapping), pages + 2 * guard};
  if (slack > 0) {
    char* end = reinterpret_cast<char*>(round_up(reinterpret_cast<uintptr_t>(a.pages() + pages), huge_page));
    char* begin = end - pages - guard;
    munmap(a.mapping, begin - a.mapping);
    munmap(end + guard, a.mapping + a.mapped + slack - end - guard);
    a.mapping = begin;
    madvise(a.pages(), pages, MADV_HUGEPAGE);
  }
  madvise(a.pages(), pages, MADV_DONTDUMP);
  return a;
}

void unmap_oldest_freed() {
  const auto oldest = state().all.find(state().freed.front());
  munmap(oldest->second.mapping, oldest->second.mapped);
  state().all.erase(oldest);
  state().freed.pop_front();
}

}  // namespace

void* allocate(size_t bytes, int device) {
  State& s = state();
  if (s.in_use[device] + bytes > settings().memory_mib << 20) return nullptr;
  const size_t rounded = round_up(bytes, alignment), pages = round_up(rounded, page);
  Allocation a = map_guarded(pages);
  if (!a.mapping) return nullptr;
  a.begin = a.pages() + pages - rounded;
  a.bytes = bytes;
  a.device = device;
  mprotect(a.pages(), pages, PROT_READ | PROT_WRITE);
  std::memset(a.pages(), canary, a.begin - a.pages());
  std::memset(a.begin, settings().poison, bytes);
  std::memset(a.end(), canary, rounded - bytes);
  ASAN_POISON_MEMORY_REGION(a.pages(), a.begin - a.pages());
  ASAN_POISON_MEMORY_REGION(a.end(), rounded - bytes);
  mprotect(a.pages(), pages, PROT_NONE);
  s.all[a.mapping] = a;
  s.in_use[device] += bytes;
  Counters& c = counters();
  c.bytes_in_use += bytes;
  c.bytes_peak = std::max(c.bytes_peak, c.bytes_in_use);
  return a.begin;
}

void release(void* pointer) {
  State& s = state();
  Allocation* a = around(pointer);
  if (!a || a->begin != pointer)
    throw Failure(fmt::format("cudaFree: {} is not the beginning of an allocation of device memory", pointer));
  if (!a->live) throw Failure(fmt::format("cudaFree: {} was freed before (double free)", pointer));
  a->live = false;
  s.in_use[a->device] -= a->bytes;
  counters().bytes_in_use -= a->bytes;
  ASAN_UNPOISON_MEMORY_REGION(a->pages(), a->page_bytes());
  madvise(a->pages(), a->page_bytes(), MADV_DONTNEED);  // the address stays taken, so that later uses are found
  s.freed.push_back(a->mapping);
  if (s.freed.size() > max_freed) unmap_oldest_freed();
}

void* allocate_pinned(size_t bytes) {
  void* memory = nullptr;
  if (posix_memalign(&memory, alignment, std::max<size_t>(bytes, 1)) != 0) return nullptr;
  std::memset(memory, settings().poison, bytes);
  state().pinned[static_cast<char*>(memory)] = bytes;
  return memory;
}

void release_pinned(void* pointer) {
  if (state().pinned.erase(static_cast<char*>(pointer)) == 0)
    throw Failure(fmt::format("cudaFreeHost: {} is not live pinned memory", pointer));
  std::free(pointer);
}

Place find(const void* pointer) {
  const char* address = static_cast<const char*>(pointer);
  State& s = state();
  if (const Allocation* a = around(pointer)) {
    const bool inside = address >= a->begin && address <= a->end();
    if (!a->live) return {Kind::freed, a->begin, a->bytes, a->device};
    if (inside) return {Kind::device, a->begin, a->bytes, a->device};
  }
  const auto next = s.pinned.upper_bound(address);
  if (next != s.pinned.begin()) {
    const auto& [begin, bytes] = *std::prev(next);
    if (address <= begin + bytes) return {Kind::pinned, const_cast<char*>(begin), bytes, 0};
  }
  return {};
}

size_t bytes_in_use(int device) { return state().in_use[device]; }

void list_leaks(std::vector<std::string>& lines) {
  for (const auto& [mapping, a] : state().all)
    if (a.live) lines.push_back(fmt::format("{} bytes on device {}", a.bytes, a.device));
  for (const auto& [begin, bytes] : state().pinned) lines.push_back(fmt::format("{} bytes of pinned memory", bytes));
}

Access::Access(int device) : device_(device) {}

Access::~Access() {
  for (Allocation* a : state().open) set_open(*a, false);
  state().open.clear();
}

void Access::open(const void* begin, size_t bytes, const char* what) {
  Allocation* a = around(begin);
  if (!a) return;
  const char* first = static_cast<const char*>(begin);
  if (!a->live) throw Failure(fmt::format("{}: {} lies in freed device memory (use after free)", what, begin));
  if (first < a->begin || first > a->end() || bytes > static_cast<size_t>(a->end() - first))
    throw Failure(fmt::format("{}: {} bytes at offset {} reach outside an allocation of {} bytes (out of range)", what,
                              bytes, first - a->begin, a->bytes));
  if (device_ != any_device && a->device != device_)
    throw Failure(fmt::format("{}: memory of device {} in work on device {}", what, a->device, device_));
  set_open(*a, true);
}

void Access::close(const std::string& work) {
  const Allocation* broken = nullptr;
  for (const Allocation* a : state().open)
    if (!intact(*a)) broken = a;
  if (broken)
    throw Failure(fmt::format("{} wrote beside an allocation of {} bytes (out of range)", work, broken->bytes));
}

bool open_if_reachable(const void* address) {
  State& s = state();
  std::lock_guard lock(s.spin);
  Allocation* a = around(address);
  if (!a || !a->live || address < a->pages() || address >= a->pages() + a->page_bytes()) return false;
  if (a->open) return true;  // another thread was quicker
  for (const Allocation* holder : s.open) {
    if (holder->device != a->device) continue;
    for (size_t at = 0; at + sizeof(char*) <= holder->bytes; at += sizeof(char*)) {
      const char* value;
      std::memcpy(&value, holder->begin + at, sizeof value);
      if (value < a->begin || value > a->end()) continue;
      set_open(*a, true);
      return true;
    }
  }
  return false;
}

std::string explain(const void* address) {
  const Allocation* a = around(address);
  const char* at = static_cast<const char*>(address);
  if (!a) return fmt::format("illegal address {}", address);
  if (!a->live) return fmt::format("{} lies in freed device memory (use after free)", address);
  if (at < a->begin)
    return fmt::format("{} bytes before the beginning of an allocation of {} bytes (out of range)", a->begin - at,
                       a->bytes);
  if (at >= a->end())
    return fmt::format("{} bytes past the end of an allocation of {} bytes (out of range)", at - a->end(), a->bytes);
  return fmt::format("byte {} of an allocation of {} bytes that no argument points to", at - a->begin, a->bytes);
}

bool is_ours(const void* address) { return around(address) != nullptr; }

}  // namespace sunder::emulator::memory
