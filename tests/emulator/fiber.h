// Stacks of their own that one host thread switches between (Boost.Context's fcontext), known to AddressSanitizer.
#pragma once

#include <cstddef>

namespace sunder::emulator {

class Fiber {
 public:
  Fiber() = default;                           // stands for the stack of the host thread that runs now
  explicit Fiber(void (*entry)(Fiber& self));  // never returns; runs at the first switch to it
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Goes on in `to` until something switches back. May be called in a signal handler that runs on any stack.
  void switch_to(Fiber& to);
  // Whether the address lies in the page below the stack, which an overflow hits first.
  bool overflowed_at(const void* address) const;

 private:
  struct Transfer;
  void arrive(void* transfer_context, Fiber* from);

  void* context_ = nullptr;
  char* mapping_ = nullptr;  // a page without access, then the stack
  const void* bottom_ = nullptr;
  size_t size_ = 0;
  void* fake_stack_ = nullptr;
  void (*entry_)(Fiber&) = nullptr;
};

}  // namespace sunder::emulator
