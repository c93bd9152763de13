#include "evaluate/item_memory.h"

#include <algorithm>
#include <fstream>
#include <limits>

#include "tensor/error.h"

namespace sunder {
namespace {

constexpr int64_t unlimited = std::numeric_limits<int64_t>::max();

int64_t machines_bytes() {
  std::ifstream facts("/proc/meminfo");
  std::string key, unit;
  for (int64_t kilobytes = 0; facts >> key >> kilobytes; std::getline(facts, unit))
    if (key == "MemAvailable:") return kilobytes * 1024;
  return unlimited;
}

// Of control group 2, as containers see their own.
int64_t containers_bytes() {
  int64_t limit = 0, used = 0;
  std::ifstream limits("/sys/fs/cgroup/memory.max"), current("/sys/fs/cgroup/memory.current");
  if (!(limits >> limit) || !(current >> used)) return unlimited;  // no group, or "max"
  return std::max<int64_t>(limit - used, 0);
}

}  // namespace

int64_t available_memory_bytes() { return std::min(machines_bytes(), containers_bytes()); }

void check_memory(const std::string& what, double bytes, int64_t memory_bytes) {
  if (bytes <= static_cast<double>(memory_bytes)) return;
  throw OutOfMemory(
      fmt::format("{}: too large for the memory: its signals take at least {:.3g} GiB, {:.3g} GiB are free", what,
                  bytes / 0x1p30, static_cast<double>(memory_bytes) / 0x1p30),
      0);
}

}  // namespace sunder
