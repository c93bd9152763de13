// Hands a kernel and a copy of its arguments to the emulator; tensor/cuda/launch.h calls it in place of <<<...>>>.
#pragma once

#include <functional>
#include <type_traits>
#include <vector>

#include "emulated/runtime_api.h"

namespace sunder::emulator {

struct Argument {
  std::vector<std::byte> bytes;
  bool is_pointer = false;
};

struct Launch {
  const void* function = nullptr;
  dim3 grid, block;
  size_t dynamic_shared = 0;
  std::vector<Argument> arguments;
  std::function<void()> call;  // what one thread does
};

// What cudaLaunchKernel returns; throws Failure for what a device would not notice.
cudaError_t submit(Launch launch, cudaStream_t stream);

template <class T>
Argument as_argument(T value) {  // by value: the padding of the copy is cleared, so that it holds no old pointers
  static_assert(std::is_trivially_copyable_v<T>, "a kernel's arguments are copied byte by byte");
  if constexpr (std::is_class_v<T>) __builtin_clear_padding(&value);
  const auto* bytes = reinterpret_cast<const std::byte*>(&value);
  return {{bytes, bytes + sizeof(T)}, std::is_pointer_v<T>};
}

template <class... P>
cudaError_t launch(void (*kernel)(P...), dim3 grid, dim3 block, size_t dynamic_shared, cudaStream_t stream,
                   std::type_identity_t<P>... arguments) {
  static_assert((sizeof(P) + ... + 0) <= 32764, "more than CUDA's limit of 32764 bytes of arguments");
  return submit({reinterpret_cast<const void*>(kernel),
                 grid,
                 block,
                 dynamic_shared,
                 {as_argument(arguments)...},
                 [=] { kernel(arguments...); }},
                stream);
}

}  // namespace sunder::emulator
