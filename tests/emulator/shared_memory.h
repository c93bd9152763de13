// A block's shared memory: static variables from the beginning, the dynamic part at the end before a page without
// access. Under AddressSanitizer everything between them is poisoned.
#pragma once

#include <cstddef>
#include <vector>

namespace sunder::emulator {

inline constexpr size_t max_static_shared = 48 << 10, max_shared = 227 << 10;

class SharedMemory {
 public:
  SharedMemory();
  ~SharedMemory();

  void begin(size_t dynamic_bytes);  // a launch
  void begin_block();                // what the block before it wrote is gone
  void end();

  // The variable that `key` stands for; null if static variables have no room for it.
  void* variable(const void* key, size_t bytes, size_t alignment);
  void* dynamic() const { return dynamic_; }
  bool overflowed_at(const void* address) const;

 private:
  struct Variable {
    const void* key;
    char* begin;
    size_t bytes;
    bool filled;  // with the poison byte, in this block
  };

  char* mapping_ = nullptr;
  char* dynamic_ = nullptr;
  size_t dynamic_bytes_ = 0, used_ = 0;
  std::vector<Variable> variables_;
};

}  // namespace sunder::emulator
