// Kernel launches and shared memory: the same source runs on a device and on the emulator (tests/emulator/README.md).
// Included by .cu files only.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <source_location>
#include <type_traits>

#include "tensor/cuda/check.h"
#include "tensor/cuda/device_scope.h"
#include "tensor/device.h"
#include "tensor/error.h"

// In a kernel, SUNDER_SHARED(float[32][33], tile); declares a variable that the threads of a block share, and
// SUNDER_DYNAMIC_SHARED(float, values); names the launch's `shared_bytes` as values[0], values[1], ... Both are
// uninitialised.
#ifdef SUNDER_CUDA_EMULATED
#define SUNDER_SHARED(type, name)                         \
  static constexpr char name##_key = 0;                   \
  auto& name = *static_cast<std::type_identity_t<type>*>( \
      ::sunder::emulator::static_shared(&name##_key, sizeof(type), alignof(type)))
#define SUNDER_DYNAMIC_SHARED(type, name) type* const name = static_cast<type*>(::sunder::emulator::dynamic_shared())
#else
#define SUNDER_SHARED(type, name) __shared__ std::type_identity_t<type> name
#define SUNDER_DYNAMIC_SHARED(type, name)                                      \
  extern __shared__ __align__(16) unsigned char sunder_dynamic_shared_bytes[]; \
  type* const name = reinterpret_cast<type*>(sunder_dynamic_shared_bytes)
#endif

namespace sunder::cuda {

// The stream that a kernel is queued on, and the caller's place in the source. A Stream converts to it.
struct Queue {
  Stream stream;
  std::source_location site;

  Queue(const Stream& on, std::source_location at = std::source_location::current()) : stream(on), site(at) {}
};

// How many blocks of `per_block` threads `count` threads need. Throws Error over a grid's limit.
inline unsigned blocks_for(int64_t count, int per_block) {
  const int64_t blocks = (count + per_block - 1) / per_block;
  if (blocks > 2147483647) throw_error("a grid of {} blocks is over the limit of 2147483647", blocks);
  return static_cast<unsigned>(blocks);
}

inline constexpr size_t default_shared_bytes = 48 << 10;  // without opting in (CUDA programming guide)

// kernel<<<grid, block, shared_bytes, stream>>>(arguments...) on the stream's device. An empty grid launches nothing,
// so empty tensors need no special case. Opts in to more dynamic shared memory than the default 48 KiB where needed (at
// most 227 KiB on sm_90). Throws DeviceError with the kernel's name and the launch's sizes.
template <class... P, class... A>
void launch(void (*kernel)(P...), dim3 grid, dim3 block, size_t shared_bytes, Queue queue, A&&... arguments) {
  static_assert(sizeof...(P) == sizeof...(A), "as many arguments as the kernel has parameters");
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
  const auto* function = reinterpret_cast<const void*>(kernel);
  const DeviceScope scope(queue.stream.device, std::nothrow);
  cudaError_t status = scope.status();
  if (status == cudaSuccess && shared_bytes > default_shared_bytes)
    status =
        cudaFuncSetAttribute(function, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes));
#ifdef SUNDER_CUDA_EMULATED
  if (status == cudaSuccess)
    status = emulator::launch(kernel, grid, block, shared_bytes, native(queue.stream), static_cast<P>(arguments)...);
#else
  if (status == cudaSuccess) {
    // clang-format off
    kernel<<<grid, block, shared_bytes, native(queue.stream)>>>(static_cast<P>(arguments)...);
    // clang-format on
    status = cudaGetLastError();
  }
#endif
  check_launch(status, function, grid, block, shared_bytes, queue.site);
}

}  // namespace sunder::cuda
