// How kernels are launched and get shared memory: the same source runs on a device and on the emulator
// (tests/emulator/README.md). Included by .cu files alone.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <source_location>
#include <type_traits>

#include "tensor/cuda/check.h"
#include "tensor/device.h"
#include "tensor/error.h"

// In a kernel: SUNDER_SHARED(float[32][33], tile); declares a variable that the threads of a block share, and
// SUNDER_DYNAMIC_SHARED(float, values); names the launch's `shared_bytes` as values[0], values[1], ... Nothing writes
// them before the kernel does.
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

// Where a kernel is queued, and the place in the source that asks for it; a Stream or a cudaStream_t converts to it.
struct Queue {
  cudaStream_t stream;
  std::source_location site;

  Queue(cudaStream_t native, std::source_location at = std::source_location::current()) : stream(native), site(at) {}
  Queue(const Stream& of, std::source_location at = std::source_location::current())
      : stream(static_cast<cudaStream_t>(of.handle)), site(at) {}
};

// Blocks of `per_block` threads for `count` threads, one a piece of work. Throws Error beyond a grid's limit.
inline unsigned blocks_for(int64_t count, int per_block) {
  const int64_t blocks = (count + per_block - 1) / per_block;
  if (blocks > 2147483647) throw_error("a grid of {} blocks is over the limit of 2147483647", blocks);
  return static_cast<unsigned>(blocks);
}

inline constexpr size_t shared_bytes_without_asking = 48 << 10;  // CUDA programming guide, "Shared Memory"

// kernel<<<grid, block, shared_bytes, stream>>>(arguments...). An empty grid runs nothing: a kernel over an empty
// tensor needs no case of its own. Throws DeviceError with the kernel's name and the launch's sizes. More dynamic
// shared memory than the usual 48 KiB is asked for (at most 227 KiB on sm_90).
template <class... P, class... A>
void launch(void (*kernel)(P...), dim3 grid, dim3 block, size_t shared_bytes, Queue queue, A&&... arguments) {
  static_assert(sizeof...(P) == sizeof...(A), "as many arguments as the kernel has parameters");
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
  const auto* function = reinterpret_cast<const void*>(kernel);
  cudaError_t status = cudaSuccess;
  if (shared_bytes > shared_bytes_without_asking)
    status =
        cudaFuncSetAttribute(function, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes));
#ifdef SUNDER_CUDA_EMULATED
  if (status == cudaSuccess)
    status = emulator::launch(kernel, grid, block, shared_bytes, queue.stream, static_cast<P>(arguments)...);
#else
  if (status == cudaSuccess) {
    // clang-format off
    kernel<<<grid, block, shared_bytes, queue.stream>>>(static_cast<P>(arguments)...);
    // clang-format on
    status = cudaGetLastError();
  }
#endif
  check_launch(status, function, grid, block, shared_bytes, queue.site);
}

}  // namespace sunder::cuda
