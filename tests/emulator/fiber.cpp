#include "tests/emulator/fiber.h"

#include <sys/mman.h>

#include <atomic>
#include <boost/context/detail/fcontext.hpp>
#include <new>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace sunder::emulator {
namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr size_t stack_bytes = 256 << 10;  // instrumented frames are several times as large
#else
constexpr size_t stack_bytes = 64 << 10;
#endif
constexpr size_t page = 4096;
std::atomic<unsigned> fibers_made = 0;

}  // namespace

using boost::context::detail::transfer_t;

Fiber::Fiber(void (*entry)(Fiber&)) : size_(stack_bytes), entry_(entry) {
  void* mapping = mmap(nullptr, page + stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) throw std::bad_alloc();
  mapping_ = static_cast<char*>(mapping);
  mprotect(mapping_, page, PROT_NONE);
  bottom_ = mapping_ + page;
  // Stacks begin at different places of a page, as their tops would fall into the same few sets of the caches else.
  char* top = mapping_ + page + stack_bytes - fibers_made++ % 16 * 256;
  context_ = boost::context::detail::make_fcontext(top, top - mapping_ - page, [](transfer_t transfer) {
    auto* ends = static_cast<Fiber**>(transfer.data);  // {from, to}, on the stack of the one that switched
    Fiber* self = ends[1];
    self->arrive(transfer.fctx, ends[0]);
    self->entry_(*self);
  });
}

Fiber::~Fiber() {
  if (!mapping_) return;
#ifdef __SANITIZE_ADDRESS__
  __asan_unpoison_memory_region(bottom_, size_);  // frames that were abandoned leave their red zones behind
#endif
  munmap(mapping_, page + stack_bytes);
}

void Fiber::switch_to(Fiber& to) {
  Fiber* ends[] = {this, &to};
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_start_switch_fiber(&fake_stack_, to.bottom_, to.size_);
#endif
  const transfer_t transfer = boost::context::detail::jump_fcontext(to.context_, ends);
  arrive(transfer.fctx, static_cast<Fiber**>(transfer.data)[0]);
}

void Fiber::arrive(void* transfer_context, Fiber* from) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(fake_stack_, &from->bottom_, &from->size_);
#endif
  from->context_ = transfer_context;
}

bool Fiber::overflowed_at(const void* address) const {
  return mapping_ && address >= mapping_ && address < mapping_ + page;
}

}  // namespace sunder::emulator
