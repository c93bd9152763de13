// Device memory: pages that the host cannot touch, each allocation with pages without access around it. What a piece of
// work may touch is opened while it runs, and closed after it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sunder::emulator::memory {

enum class Kind { host, pinned, device, freed };

struct Place {
  Kind kind = Kind::host;
  char* begin = nullptr;  // of the allocation
  size_t bytes = 0;
  int device = 0;
};

// Device memory filled with the poison byte, aligned to 256; null if the device has no such amount left.
void* allocate(size_t bytes, int device);
void release(void* pointer);  // throws Failure unless it is the beginning of a live allocation
void* allocate_pinned(size_t bytes);
void release_pinned(void* pointer);

// Where the address points; an allocation's end counts as inside, as an empty range may begin there.
Place find(const void* pointer);
size_t bytes_in_use(int device);
void list_leaks(std::vector<std::string>& lines);

inline constexpr int any_device = -1;

// Opens allocations for one piece of work and closes them in the end.
class Access {
 public:
  explicit Access(int device);  // any_device: copies between devices
  ~Access();
  Access(const Access&) = delete;

  // Opens the allocation around [begin, begin + bytes), if it is device memory. Throws Failure if the range leaves its
  // allocation or lies in freed memory or on another device.
  void open(const void* begin, size_t bytes, const char* what);
  // Closes all, and throws Failure if something wrote beside an allocation.
  void close(const std::string& work);

 private:
  int device_;
};

// For the handler of access violations. Opens the allocation that holds the address if an open one holds a pointer into
// it (a table of pointers in device memory); otherwise says what is wrong with the access.
bool open_if_reachable(const void* address);
std::string explain(const void* address);
// Whether the address is device memory or its surroundings.
bool is_ours(const void* address);

}  // namespace sunder::emulator::memory
