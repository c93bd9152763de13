// What all calls share: the lock, the error state, the current device, and the running of kernels and library work.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "emulated/runtime_api.h"

namespace sunder::emulator {

// One call at a time, whatever host thread makes it.
std::recursive_mutex& lock();
int current_device();

// The error that every call returns: no driver or an old one, no device, a sticky error. cudaSuccess otherwise.
cudaError_t state_of_device();
cudaError_t remember(cudaError_t error);  // for cudaGetLastError
void make_sticky(cudaError_t error);
// Whether fail_after kernels ran.
bool fault_is_due();
// The error that the settings ask for at this launch, if any; counts the launch.
cudaError_t next_launch_error();

// From the first call on, accesses to protected pages are explained.
void install_fault_handlers();

// Runs a call of the CUDA runtime under the lock.
template <class F>
cudaError_t call(F&& body) {
  const std::lock_guard guard(lock());
  install_fault_handlers();
  if (const cudaError_t error = state_of_device(); error != cudaSuccess) return remember(error);
  return remember(body());
}

// The demangled name of a function of this program, without namespaces and parameters.
const std::string& name_of(const void* function);

// An operand of a library call: what it may touch.
struct Range {
  const void* begin;
  size_t bytes;
  const char* name;
};
// Queues a library call that touches these ranges, which are checked now and when it runs.
cudaError_t queue_library_call(cudaStream_t stream, const char* name, std::vector<Range> ranges,
                               std::function<void()> run);

}  // namespace sunder::emulator
