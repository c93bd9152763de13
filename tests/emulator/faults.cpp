// What happens when a kernel or the host touches what it must not: page protection turns it into a signal.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/emulator/block.h"
#include "tests/emulator/device.h"
#include "tests/emulator/memory.h"

namespace sunder::emulator {
namespace {

struct sigaction segv_before, ill_before;

void pass_on(const struct sigaction& before, int signal, siginfo_t* info, void* context) {
  if (before.sa_flags & SA_SIGINFO && before.sa_sigaction) return before.sa_sigaction(signal, info, context);
  ::signal(signal, SIG_DFL);  // the instruction faults again
}

void on_access_violation(int signal, siginfo_t* info, void* context) {
  const void* address = info->si_addr;
  BlockRunner* block = BlockRunner::active();
  if (block) {
    if (memory::open_if_reachable(address)) return;
    if (block->stack_overflowed_at(address)) block->fail([&] { return "the thread's stack overflows"; });
    if (block->shared().overflowed_at(address))
      block->fail([&] { return "an access past the end of the dynamic shared memory"; });
    block->fail([&] { return memory::explain(address); });
  }
  if (memory::is_ours(address)) {
    const std::string text = fmt::format(
        "emulator: host code touches device memory at {} ({})\n", address,
        memory::find(address).kind == memory::Kind::device ? "inside an allocation" : memory::explain(address));
    [[maybe_unused]] const auto written = write(STDERR_FILENO, text.data(), text.size());
    std::abort();
  }
  pass_on(segv_before, signal, info, context);
}

void on_illegal_instruction(int signal, siginfo_t* info, void* context) {
  if (BlockRunner* block = BlockRunner::active())
    block->fail(
        [&] { return "undefined behaviour: a misaligned vector access or an index outside an array of its own"; });
  pass_on(ill_before, signal, info, context);
}

}  // namespace

void install_fault_handlers() {
  static const bool installed = [] {
    struct sigaction action = {};
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;  // left by a switch of stacks, so never blocked
    action.sa_sigaction = on_access_violation;
    sigaction(SIGSEGV, &action, &segv_before);
    action.sa_sigaction = on_illegal_instruction;
    sigaction(SIGILL, &action, &ill_before);
    return true;
  }();
  (void)installed;
}

}  // namespace sunder::emulator

#ifdef __SANITIZE_ADDRESS__
// Called by AddressSanitizer before its report.
extern "C" void __asan_on_error() {
  const auto* block = sunder::emulator::BlockRunner::active();
  if (!block) return;
  const std::string text = "emulator: in " + block->place() + "\n";
  [[maybe_unused]] const auto written = write(STDERR_FILENO, text.data(), text.size());
}
#endif
